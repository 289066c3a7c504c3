// Cloudflare Worker before the zone clinic: it verifies links itself, so that one kept copy serves
// every link to it. Written by `ostiary edge render worker`; docs/cdns.md tells the rest.
//
// THIS FILE HOLDS KEYS. Whoever reads it can make links of this zone.
//
// Whatever goes wrong in here is a refusal. A good link is asked for at `origin` with `c` in the
// place of its token, which goes on in a field: that URL, all of it, is Cloudflare's cache key.
// Nobody else may ask for it, so the Worker has to run for every request to the host of `origin`
// (route HOST/*), and serves no other host.
//
// The Worker's secret OSTIARY_SHIELD is one of `shield` in [cdn.NAME]: without it the gateway does
// not read the field.

// ostiary: config
const CONFIG = {
  "zone": "clinic",
  "farthest": 86460,
  "cors": false,
  "target": "^/d/[a-z0-9][a-z0-9_-]{0,63}/clinic/(?:~/(?:-|[A-Za-z0-9_-]{22})/[A-Za-z0-9_-]+(?:\\.[a-z0-9]{1,8})?|(?!~(?!canary/))(?!(?:\\.|%2E){0,2}[/?])[A-Za-z0-9._~!$&'()*+,;=:@-]*(?:%[0-9A-F][0-9A-F][A-Za-z0-9._~!$&'()*+,;=:@-]*)*/(?:-|[A-Za-z0-9_-]{22})/(?!(?:\\.|%2E){0,2}[/?])[A-Za-z0-9._~!$&'()*+,;=:@-]*(?:%[0-9A-F][0-9A-F][A-Za-z0-9._~!$&'()*+,;=:@-]*)*(?:/(?!(?:\\.|%2E){0,2}[/?])[A-Za-z0-9._~!$&'()*+,;=:@-]*(?:%[0-9A-F][0-9A-F][A-Za-z0-9._~!$&'()*+,;=:@-]*)*)*)\\?t=1\\.[a-z0-9]{1,8}\\.[1-9][0-9]{9}\\.(?:0|[1-9][0-9]{0,9})\\.(?:-|[A-Za-z0-9_-]{16})\\.(?:-|[A-Za-z0-9_-]{16})\\.[id](?:[aop]|x-(?!original\\.)[a-z0-9][a-z0-9_-]{0,63})\\.[A-Za-z0-9_-]{32}$",
  "declared": "^(?:p[1-9][0-9]{0,3}-)?(?:(?:w160|w320|w480|w640|w960|w1280|w1920|w2560|thumb)(?:-(?:jpeg|webp|avif|png))?|(?:card))$",
  "automatic": "^(?:p[1-9][0-9]{0,3}-)?(?:w160|w320|w480|w640|w960|w1280|w1920|w2560|thumb)$",
  "whole": "^(?:auto|linear|p[1-9][0-9]{0,3}-text)$",
  "folder": "^/d/[^?]*\\?t=1f[0-9]",
  "passed": "^/(?:$|\\?|(?:storage/v1|v1|hooks)/)",
  "shows": {
    "avif": "(?:^|[\\s,])image/avif(?=[\\s,;]|$)",
    "webp": "(?:^|[\\s,])image/webp(?=[\\s,;]|$)"
  },
  "bars": {
    "avif": "(?:^|[\\s,])image/avif[^,]*;\\s*[qQ]=0(?:\\.0*)?(?=[\\s,;]|$)",
    "webp": "(?:^|[\\s,])image/webp[^,]*;\\s*[qQ]=0(?:\\.0*)?(?=[\\s,;]|$)"
  },
  "refusal": {
    "fields": [
      [
        "content-type",
        "application/problem+json"
      ],
      [
        "x-content-type-options",
        "nosniff"
      ],
      [
        "referrer-policy",
        "no-referrer"
      ],
      [
        "x-robots-tag",
        "none"
      ],
      [
        "cross-origin-resource-policy",
        "cross-origin"
      ],
      [
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
      ]
    ],
    "body": "{\"type\":\"urn:ostiary:problem:link.refused\",\"title\":\"This link is not valid\",\"status\":403,\"code\":\"link.refused\",\"hint\":\"Check that the whole link was copied, or ask for a new one.\"}"
  },
  "origin": "https://docs.example.org",
  "browser": 300,
  "forCaches": [
    "cache-tag",
    "cdn-cache-control",
    "cdn-tag",
    "cloudflare-cdn-cache-control",
    "edge-cache-tag",
    "surrogate-control",
    "surrogate-key",
    "vercel-cache-tag",
    "vercel-cdn-cache-control",
    "x-accel-expires",
    "xkey"
  ],
  "keys": {
    "k1": "5e28a0c1bccefffc0ae328f9e04917e8d0db7d656c3c2b0fc6d437d362fcefe2",
    "k2": "433307bc9b513158671fee8d91811f316aac779f84934ae775ec066181351fa6"
  }
};
// ostiary: end

// An expression that got lost matches nothing; by itself it would match everything.
const expression = (text, flags) => new RegExp(text || "(?!)", flags);

const LONGEST = 2048;
const TARGET = expression(CONFIG.target);
const DECLARED = expression(CONFIG.declared);
const AUTOMATIC = expression(CONFIG.automatic);
const WHOLE = expression(CONFIG.whole);
const FOLDER = expression(CONFIG.folder);
const PASSED = expression(CONFIG.passed);
const SHOWS = { avif: expression(CONFIG.shows.avif, "i"), webp: expression(CONFIG.shows.webp, "i") };
const BARS = { avif: expression(CONFIG.bars.avif, "i"), webp: expression(CONFIG.bars.webp, "i") };

// What a request may bring to a copy that many share; nothing else of it goes on.
const WANTED = [
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "range",
  "traceparent",
];
const FORGEABLE =
  /^(?:ostiary-.*|forwarded|surrogate-capability|x-forwarded-.*|x-original-url|x-real-ip|x-rewrite-url)$/;
const FOR_CACHES = /^(?:age|ostiary-.*|surrogate-.*)$/;

export default {
  async fetch(request, env) {
    try {
      return await answer(request, env);
    } catch {
      return refusal();
    }
  },
};

async function answer(request, env) {
  const target = targetOf(request.url);
  const reads = request.method === "GET" || request.method === "HEAD";
  const passes = (place) => PASSED.test(place) || (!reads && place.startsWith("/d/"));
  const resolved = new URL(request.url).pathname;
  // `fetch` resolves dot segments: what is asked for then has to be of the same kind.
  if (passes(target) && passes(resolved)) return passed(request, env, target);
  if (!reads || target.length > LONGEST) return refusal();
  if (FOLDER.test(target) && resolved.startsWith("/d/")) return passed(request, env, target);
  const link = await verified(target, Math.floor(Date.now() / 1000));
  if (link === null) return refusal();
  return link.bound ? passed(request, env, target) : shared(request, env, link);
}

// The target as it came: a URL parser would resolve or escape what has to be refused.
function targetOf(url) {
  const end = url.indexOf("/", url.indexOf("://") + 3);
  if (end < 0 || url.slice(0, end) !== CONFIG.origin) throw new Error("another host");
  return url.slice(end);
}

// The link, when its text proves it and its grant allows the rendition; else null.
async function verified(target, now) {
  if (!TARGET.test(target)) return null;
  const [path, token] = target.split("?t=");
  const at = path.indexOf("/", 3);
  const [rendition, scope] = [path.slice(3, at), path.slice(at + 1)];
  const [, kid, end, generation, audience, oneTime, grant, signature] = token.split(".");
  const text = `/d/${scope}?t=${token.slice(0, -33)}`;
  if ((await signed(kid, text, signature)) !== true) return null;
  const expires = Number(end);
  if (!(now < expires && expires <= now + CONFIG.farthest)) return null;
  if (allows(grant.slice(1), rendition) !== true) return null;
  const bound = audience !== "-" || oneTime !== "-";
  return { rendition, scope, token, generation, grant, expires, bound };
}

const imported = new Map();

// The signature is the MAC's first 24 octets, which WebCrypto's own `verify` does not compare.
async function signed(kid, text, signature) {
  if (!Object.hasOwn(CONFIG.keys, kid)) return false;
  const encoder = new TextEncoder();
  if (!imported.has(kid)) {
    const secret = encoder.encode(CONFIG.keys[kid]);
    if (secret.length !== 64) return false;
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);
    imported.set(kid, key);
  }
  const mac = await crypto.subtle.sign("HMAC", imported.get(kid), encoder.encode(text));
  const base64 = btoa(String.fromCharCode(...new Uint8Array(mac, 0, 24)));
  const wanted = base64.replaceAll("+", "-").replaceAll("/", "_");
  return crypto.subtle.timingSafeEqual(encoder.encode(wanted), encoder.encode(signature));
}

function allows(covers, rendition) {
  if (covers === "a") return rendition === "original" || isDeclared(rendition);
  if (covers === "o") return rendition === "original";
  if (covers === "p") return isDeclared(rendition) && !WHOLE.test(rendition);
  return covers === `x-${rendition}`;
}

function isDeclared(rendition) {
  return WHOLE.test(rendition) || DECLARED.test(rendition);
}

async function shared(request, env, link) {
  const { rendition, scope, token, generation, grant } = link;
  const accept = request.headers.get("accept") ?? "";
  const family = grant[1] === "a" || grant[1] === "p";
  const open = family && AUTOMATIC.test(rendition);
  const name = open ? `${rendition}-${formatFor(accept, rendition)}` : rendition;
  const url = `${CONFIG.origin}/d/${name}/${scope}?c=${grant[0]}${classOf(link)}${generation}`;
  const fields = new Headers({ accept: shownBy(accept), "ostiary-token": token });
  for (const wanted of WANTED) {
    const value = request.headers.get(wanted);
    if (value !== null) fields.set(wanted, value);
  }
  introduce(fields, request, env);
  const asked = { method: request.method, headers: fields, redirect: "manual" };
  return told(await fetch(url, { ...asked, cf: { cacheEverything: true } }), link.expires);
}

// A whole original, which may stand in for a picture, must not reach a link for previews.
function classOf({ grant, rendition }) {
  return /^.[ao]$/.test(grant) || WHOLE.test(rendition) ? "w" : "r";
}

const shows = (format, accept) => SHOWS[format].test(accept) && !BARS[format].test(accept);

// Pages are smaller in WebP, all else in AVIF; what names neither gets JPEG.
function formatFor(accept, rendition) {
  const webp = shows("webp", accept);
  if (shows("avif", accept) && !(webp && /^p[1-9]/.test(rendition))) return "avif";
  return webp ? "webp" : "jpeg";
}

// One of four texts for all that browsers write.
function shownBy(accept) {
  const named = ["avif", "webp"].filter((format) => shows(format, accept));
  return [...named.map((format) => `image/${format}`), "*/*"].join(",");
}

// To the gateway and back; nothing is looked up or kept.
async function passed(request, env, target) {
  const fields = new Headers();
  for (const [name, value] of request.headers) {
    if (!FORGEABLE.test(name)) fields.append(name, value);
  }
  introduce(fields, request, env);
  const { method, body } = request;
  const asked = { method, body, headers: fields, redirect: "manual", cache: "no-store" };
  return told(await fetch(CONFIG.origin + target, asked), Infinity);
}

function introduce(fields, request, env) {
  const client = request.headers.get("cf-connecting-ip");
  if (client !== null) fields.set("x-forwarded-for", client);
  fields.set("x-forwarded-host", CONFIG.origin.split("://")[1]);
  fields.set("x-forwarded-proto", CONFIG.origin.split("://")[0]);
  if (env.OSTIARY_SHIELD) fields.set("ostiary-shield", env.OSTIARY_SHIELD);
}

// The browser's time ends with its own link, and is counted from now: a copy may be older.
function told(found, expires) {
  const fields = new Headers(found.headers);
  for (const name of [...fields.keys()]) {
    if (FOR_CACHES.test(name) || CONFIG.forCaches.includes(name)) fields.delete(name);
  }
  const control = fields.get("cache-control");
  if (expires !== Infinity && control !== null) {
    const left = Math.min(CONFIG.browser, Math.max(0, expires - Math.floor(Date.now() / 1000)));
    fields.set("cache-control", control.replace(/\bmax-age=([0-9]+)/, (whole, age) =>
      Number(age) > left ? `max-age=${left}` : whole));
  }
  const { status, statusText } = found;
  return new Response(found.body, { status, statusText, headers: fields });
}

function refusal() {
  const fields = new Headers(CONFIG.refusal.fields);
  fields.set("cache-control", "no-store");
  if (CONFIG.cors) fields.set("access-control-allow-origin", "*");
  return new Response(CONFIG.refusal.body, { status: 403, headers: fields });
}
