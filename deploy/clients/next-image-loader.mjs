/** The widths that a gateway has ready: those of its `ladder` setting. */
const LADDER = [160, 320, 480, 640, 960, 1280, 1920, 2560];
const FAMILY = /(\/d\/(?:p\d+-)?)(?:\{rendition\}|%7Brendition%7D)(?=\/)/i;

/**
 * The URL of one width of a document, for Next.js (`images.loaderFile`).
 *
 * `src` is the `template` of a link: one signature covers all widths, so nobody needs to be asked.
 * Any other `src` is left as it is. The width goes up to the next rung, so that all pages ask for
 * the same few files; the quality is the gateway's own.
 *
 * @param {{src: string, width: number, quality?: number}} wanted
 * @returns {string}
 */
export default function gatewayLoader({ src, width }) {
  const rung = LADDER.find((rung) => rung >= width) ?? LADDER[LADDER.length - 1];
  return src.replace(FAMILY, `$1w${rung}-webp`);
}
