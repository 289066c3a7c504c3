//kvs [{"Key": "clinic.k1", "Value": "5e28a0c1bccefffc0ae328f9e04917e8d0db7d656c3c2b0fc6d437d362fcefe2"}, {"Key": "clinic.k2", "Value": "433307bc9b513158671fee8d91811f316aac779f84934ae775ec066181351fa6"}]
// CloudFront Function (runtime 2.0, viewer request) before the zone clinic: it verifies links, so
// that one kept copy serves every link to it. Written by `ostiary edge render cloudfront`.
// The keys are in the function's KeyValueStore. Whatever goes wrong is a refusal.
import cf from 'cloudfront';
import crypto from 'crypto';

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
  }
};
// ostiary: end

// An expression that got lost matches nothing; by itself it would match everything.
function expression(text, flags) {
  return new RegExp(text || '(?!)', flags);
}

const TARGET = expression(CONFIG.target);
const DECLARED = expression(CONFIG.declared);
const AUTOMATIC = expression(CONFIG.automatic);
const WHOLE = expression(CONFIG.whole);
const FOLDER = expression(CONFIG.folder);
const PASSED = expression(CONFIG.passed);
const FORGEABLE =
  /^(?:ostiary-.*|forwarded|surrogate-capability|x-forwarded-.*|x-original-url|x-real-ip|x-rewrite-url)$/;

async function handler(event) {
  try {
    return await answer(event);
  } catch (error) {
    return refusal();
  }
}

async function answer(event) {
  const request = event.request;
  const query = request.rawQueryString();
  const target = query === undefined ? request.uri : request.uri + '?' + query;
  const reads = request.method === 'GET' || request.method === 'HEAD';
  Object.keys(request.headers).forEach(function (name) {
    if (FORGEABLE.test(name)) delete request.headers[name];
  });
  if (PASSED.test(target) || (!reads && target.indexOf('/d/') === 0)) return passed(event);
  if (!reads || target.length > 2048) return refusal();
  if (FOLDER.test(target)) return passed(event);
  const link = await verified(target, Math.floor(Date.now() / 1000));
  if (link === null) return refusal();
  return link.bound ? passed(event) : shared(request, link);
}

// The link, when its text proves it and its grant allows the rendition; else null.
async function verified(target, now) {
  if (!TARGET.test(target)) return null;
  const path = target.split('?t=')[0];
  const token = target.split('?t=')[1];
  const at = path.indexOf('/', 3);
  const parts = token.split('.');
  const link = { rendition: path.slice(3, at), scope: path.slice(at + 1), token: token };
  link.generation = parts[3];
  link.bound = parts[4] !== '-' || parts[5] !== '-';
  link.grant = parts[6];
  const text = '/d/' + link.scope + '?t=' + token.slice(0, -33);
  if ((await signed(parts[1], text, parts[7])) !== true) return null;
  const expires = Number(parts[2]);
  if (!(now < expires && expires <= now + CONFIG.farthest)) return null;
  return allows(link.grant.slice(1), link.rendition) === true ? link : null;
}

async function signed(kid, text, signature) {
  const key = await cf.kvs().get(CONFIG.zone + '.' + kid);
  if (typeof key !== 'string' || !/^[0-9a-f]{64}$/.test(key)) return false;
  const mac = crypto.createHmac('sha256', key).update(text).digest('base64url');
  return equal(mac.slice(0, 32), signature);
}

// As long for any two texts of 32 characters.
function equal(one, other) {
  let different = one.length === 32 && other.length === 32 ? 0 : 1;
  for (let at = 0; at < 32; at += 1) different |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return different === 0;
}

function allows(covers, rendition) {
  if (covers === 'a') return rendition === 'original' || isDeclared(rendition);
  if (covers === 'o') return rendition === 'original';
  if (covers === 'p') return isDeclared(rendition) && !WHOLE.test(rendition);
  return covers === 'x-' + rendition;
}

function isDeclared(rendition) {
  return WHOLE.test(rendition) || DECLARED.test(rendition);
}

// One key for all who get the same: the path with its format, and `c`. The token goes on in a field.
function shared(request, link) {
  const accept = request.headers.accept ? request.headers.accept.value : '';
  const open = /^.[ap]$/.test(link.grant) && AUTOMATIC.test(link.rendition);
  const name = open ? link.rendition + '-' + formatFor(accept, link.rendition) : link.rendition;
  request.uri = '/d/' + name + '/' + link.scope;
  const key = link.grant[0] + classOf(link) + link.generation;
  request.querystring = { c: { value: key } };
  request.cookies = {};
  delete request.headers.authorization;
  request.headers.accept = { value: shownBy(accept) };
  request.headers['ostiary-token'] = { value: link.token };
  return request;
}

// A whole original, which may stand in for a picture, must not reach a link for previews.
function classOf(link) {
  return /^.[ao]$/.test(link.grant) || WHOLE.test(link.rendition) ? 'w' : 'r';
}

function shows(format, accept) {
  if (!expression(CONFIG.shows[format], 'i').test(accept)) return false;
  return !expression(CONFIG.bars[format], 'i').test(accept);
}

// Pages are smaller in WebP, all else in AVIF; what names neither gets JPEG.
function formatFor(accept, rendition) {
  const webp = shows('webp', accept);
  if (shows('avif', accept) && !(webp && /^p[1-9]/.test(rendition))) return 'avif';
  return webp ? 'webp' : 'jpeg';
}

function shownBy(accept) {
  const avif = shows('avif', accept) ? 'image/avif,' : '';
  return avif + (shows('webp', accept) ? 'image/webp,*/*' : '*/*');
}

// The field is part of the cache key, and no two requests have the same.
function passed(event) {
  event.request.headers['ostiary-pass'] = { value: event.context.requestId };
  return event.request;
}

function refusal() {
  const headers = { 'cache-control': { value: 'no-store' } };
  CONFIG.refusal.fields.forEach(function (field) {
    headers[field[0]] = { value: field[1] };
  });
  if (CONFIG.cors) headers['access-control-allow-origin'] = { value: '*' };
  const told = { statusCode: 403, statusDescription: 'Forbidden', headers: headers };
  told.body = CONFIG.refusal.body;
  return told;
}
