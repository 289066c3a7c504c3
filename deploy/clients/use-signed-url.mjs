import { useEffect, useRef, useState } from "react";

/**
 * A link, with the Unix second to renew it in. A string is a link that tells its own expiry.
 * @typedef {string | {url: string, renewAt?: number}} Signed
 * @typedef {{of: string, url?: string, error?: unknown}} Shown
 */

const SECOND = 1_000;
const LONGEST_TIMER = 2 ** 31 - 1;
const EXPIRY = /[?&](?:t|token)=1\.[a-z0-9]+\.(\d{10})\./;
// One number for each page: a thousand pages that show one document do not renew at one moment.
const spread = Math.random() / 10;

/**
 * How long a link is left alone, in milliseconds; for ever when it tells nothing.
 * @param {Signed} signed
 */
function restOf(signed) {
  const { url, renewAt } = typeof signed === "string" ? { url: signed } : signed;
  const left = (/** @type {number} */ at) => at * SECOND - Date.now();
  const expiry = EXPIRY.exec(url)?.[1];
  if (renewAt !== undefined) return Math.max(left(renewAt) * (1 + spread), SECOND);
  return expiry ? Math.max(left(Number(expiry)) * (0.8 - spread), SECOND) : Infinity;
}

/**
 * How long to wait after a failure, in milliseconds; for ever after a plain no.
 * @param {any} error
 * @param {number} failures before this one
 */
function pauseAfter(error, failures) {
  const status = Number(error?.status ?? 0);
  if (status >= 400 && status < 500 && status !== 429) return Infinity;
  return Math.min(2 ** failures, 300) * SECOND * (1 + spread);
}

/**
 * A URL of a private document that stays good while the component is mounted.
 *
 * It is asked for again when its link says so and after a failure, the last one standing meanwhile.
 * A hidden page asks for nothing; it catches up when it is seen again.
 *
 * @param {(bucket: string, path: string) => Promise<Signed>} sign
 * @param {string} bucket
 * @param {string} path
 * @returns {{url: string | undefined, error: unknown}}
 */
export function useSignedUrl(sign, bucket, path) {
  const of = `${bucket}/${path}`;
  const [shown, show] = useState(/** @type {Shown} */ ({ of }));
  const signer = useRef(sign);
  useEffect(() => {
    signer.current = sign;
  });

  useEffect(() => {
    const page = globalThis.document;
    const of = `${bucket}/${path}`;
    let mounted = true;
    let asking = false;
    let failures = 0;
    let due = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;

    /** @param {number} rest in milliseconds */
    function wait(rest) {
      due = Date.now() + rest;
      clearTimeout(timer);
      if (rest !== Infinity) timer = setTimeout(look, Math.min(rest, LONGEST_TIMER));
    }

    function look() {
      if (asking || page?.hidden) return;
      if (Date.now() < due) wait(due - Date.now());
      else void ask();
    }

    async function ask() {
      asking = true;
      try {
        const signed = await signer.current(bucket, path);
        if (!mounted) return;
        failures = 0;
        show({ of, url: typeof signed === "string" ? signed : signed.url });
        wait(restOf(signed));
      } catch (error) {
        if (!mounted) return;
        show((last) => ({ of, url: last.of === of ? last.url : undefined, error }));
        wait(pauseAfter(error, failures++));
      } finally {
        asking = false;
      }
    }

    page?.addEventListener("visibilitychange", look);
    void ask();
    return () => {
      mounted = false;
      clearTimeout(timer);
      page?.removeEventListener("visibilitychange", look);
    };
  }, [bucket, path]);

  return shown.of === of ? { url: shown.url, error: shown.error } : { url: undefined, error: undefined };
}
