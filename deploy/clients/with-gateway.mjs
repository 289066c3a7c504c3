/**
 * What `POST /v1/links` answers for a document.
 * @typedef {{url: string, template: string, srcset: string, picture: string, expires_at: number,
 *   renew_at: number, media_type: string, width: number | null, height: number | null,
 *   pages: number | null}} Link
 *
 * `grant` is `all`, `original`, `previews` or `x-NAME`; `expiresIn` counts seconds.
 * @typedef {{grant?: string, download?: boolean, expiresIn?: number}} Wish
 * @typedef {Wish & {rendition?: string}} View
 * @typedef {{bucket: string, path: string, wish: Wish, resolve: (link: Link) => void,
 *   reject: (error: unknown) => void}} Asked
 */

const MOST = 1_000; // documents in one call
const REMEMBERED = 5_000; // links

/** No link: `status` and `code` as the gateway gave them, `code` being one of its problems. */
export class LinkRefused extends Error {
  /** @param {{status: number, title?: string, code?: string}} problem */
  constructor(problem) {
    super(problem.title ?? `The gateway answered ${problem.status}`);
    this.name = "LinkRefused";
    this.status = problem.status;
    this.code = problem.code ?? "";
  }
}

/**
 * Links on the gateway's host, for what the user of a supabase-js or storage-js client may read.
 *
 * What is asked for in one turn of the event loop goes out as one call, with the credentials of the
 * client; an answer is kept until it says to renew it, and forgotten when another user signs in.
 *
 * @param {any} client
 * @param {{gateway: string, zone?: string}} options `gateway` is its URL, such as
 *   "https://cdn.example.org"; `zone` may be left out, since a bucket belongs to one
 */
export function withGateway(client, { gateway, zone }) {
  const storage = client.storage ?? client;
  const address = new URL("/v1/links", gateway).href;
  /** @type {Map<string, {until: number, link: Promise<Link>}>} */
  const known = new Map();
  /** @type {Asked[]} */
  let waiting = [];
  let ahead = 0; // milliseconds that the gateway's clock is before ours, where CORS shows its Date
  forgetWithUser(client, known);

  /**
   * The whole answer for one document.
   * @param {string} bucket
   * @param {string} path
   * @param {Wish} [wish]
   * @returns {Promise<Link>}
   */
  function link(bucket, path, { grant = "all", download = false, expiresIn } = {}) {
    const wish = { grant, download, expiresIn };
    const name = JSON.stringify([bucket, path, wish]);
    const found = known.get(name);
    if (found && Date.now() < found.until) return found.link;
    const entry = { until: Infinity, link: ask(bucket, path, wish) };
    known.delete(name);
    known.set(name, entry);
    if (known.size > REMEMBERED) known.delete(/** @type {string} */ (known.keys().next().value));
    entry.link.then(
      (answer) => (entry.until = answer.renew_at * 1_000 - ahead),
      () => known.get(name) === entry && known.delete(name),
    );
    return entry.link;
  }

  /**
   * @param {string} bucket
   * @param {string} path
   * @param {Wish} wish
   * @returns {Promise<Link>}
   */
  function ask(bucket, path, wish) {
    return new Promise((resolve, reject) => {
      if (waiting.length === 0) setTimeout(flush);
      waiting.push({ bucket, path, wish, resolve, reject });
    });
  }

  function flush() {
    /** @type {Map<string, Asked[]>} */
    const alike = new Map();
    for (const asked of waiting) {
      const wish = JSON.stringify(asked.wish);
      if (!alike.get(wish)?.push(asked)) alike.set(wish, [asked]);
    }
    waiting = [];
    for (const batch of alike.values()) {
      for (let at = 0; at < batch.length; at += MOST) void call(batch.slice(at, at + MOST));
    }
  }

  /** @param {Asked[]} batch */
  async function call(batch) {
    const { grant, download, expiresIn } = batch[0].wish;
    try {
      const response = await storage.fetch(address, {
        method: "POST",
        headers: { ...credentials(storage.headers), "content-type": "application/json" },
        body: JSON.stringify({
          documents: batch.map(({ bucket, path }) => ({ zone, bucket, key: path })),
          grant,
          disposition: download ? "download" : "inline",
          expires_in: expiresIn,
        }),
      });
      if (!response.ok) throw new LinkRefused(await problemOf(response));
      ahead = Date.parse(response.headers.get("date") ?? "") - Date.now() || 0;
      const { links } = await response.json();
      batch.forEach(({ resolve, reject }, at) => {
        if (links[at].error) reject(new LinkRefused(links[at].error));
        else resolve(links[at]);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  /**
   * The URL of one rendition of a document: the original, unless another is named.
   * @param {string} bucket
   * @param {string} path
   * @param {View} [view]
   */
  async function signedUrl(bucket, path, { rendition, ...wish } = {}) {
    const { url, template } = await link(bucket, path, wish);
    return rendition ? template.replace("{rendition}", rendition) : url;
  }

  /**
   * A URL or an error for each document, in order.
   * @param {string} bucket
   * @param {string[]} paths
   * @param {View} [view]
   */
  async function signedUrls(bucket, paths, view) {
    const answers = await Promise.allSettled(paths.map((path) => signedUrl(bucket, path, view)));
    return answers.map((answer, at) =>
      answer.status === "fulfilled"
        ? { path: paths[at], url: answer.value, error: null }
        : { path: paths[at], url: null, error: answer.reason },
    );
  }

  /**
   * For `useSignedUrl`: the original and when to renew it.
   * @param {string} bucket
   * @param {string} path
   */
  async function sign(bucket, path) {
    const { url, renew_at } = await link(bucket, path);
    return { url, renewAt: renew_at - ahead / 1_000 };
  }

  return { link, signedUrl, signedUrls, sign, forget: () => known.clear() };
}

/**
 * A storage-js client holds the credentials itself; supabase-js adds the session's in its `fetch`.
 * @param {Record<string, string>} fields
 */
function credentials(fields) {
  const wanted = ["authorization", "apikey"];
  return Object.fromEntries(
    Object.entries(fields).filter(([name]) => wanted.includes(name.toLowerCase())),
  );
}

/**
 * @param {Response} response
 * @returns {Promise<{status: number, title?: string, code?: string}>}
 */
async function problemOf(response) {
  const told = await response.json().catch(() => ({}));
  return { ...told, status: response.status };
}

/**
 * A client made with `accessToken` has no `auth`: whoever changes its user calls `forget`.
 * @param {any} client
 * @param {Map<string, unknown>} known
 */
function forgetWithUser(client, known) {
  if (!client.storage || client.accessToken) return;
  /** @type {string | null | undefined} undefined until the first event, which changes nothing */
  let user;
  client.auth.onAuthStateChange((/** @type {string} */ _, /** @type {any} */ session) => {
    const now = session?.user?.id ?? null;
    if (user !== undefined && user !== now) known.clear();
    user = now;
  });
}
