// What Next.js makes of the loader: its own image code, and its own reading of the documented
// configuration in the folder that is given.
import { createRequire } from "node:module";

import gatewayLoader from "../../deploy/clients/next-image-loader.mjs";

const require = createRequire(import.meta.url);
const { getImageProps } = require("next/image");
const loadConfig = require("next/dist/server/config").default;

const [src, other, folder] = process.argv.slice(2).map((text) => JSON.parse(text));
const image = { src, alt: "", width: 600, height: 400, loader: gatewayLoader };
const { images } = await loadConfig("phase-production-build", folder);

process.stdout.write(
  JSON.stringify({
    fixed: getImageProps(image).props,
    fluid: getImageProps({ ...image, sizes: "100vw" }).props,
    other: gatewayLoader({ src: other, width: 600 }),
    page: gatewayLoader({ src: src.replace("{rendition}", "p2-{rendition}"), width: 1 }),
    escaped: gatewayLoader({ src: encodeURI(src), width: 9_999 }),
    images: { loader: images.loader, file: images.loaderFile, widths: images.deviceSizes },
  }),
);
