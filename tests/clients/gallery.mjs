// An app's page: signs fifty pictures each time it is loaded, shows them, and reports.
import { StorageClient } from "@supabase/storage-js";

import { withGateway } from "/deploy/clients/with-gateway.mjs";

const { base, gateway, apikey, owner, paths, way } = await (await fetch("/parties")).json();
const storage = new StorageClient(base, { apikey, authorization: `Bearer ${owner}` });

async function signed() {
  if (way === "withGateway") {
    const answers = await withGateway(storage, { gateway }).signedUrls("documents", paths);
    return answers.map(({ url }) => url);
  }
  const { data } = await storage.from("documents").createSignedUrls(paths, 172_800);
  return data.map(({ signedUrl }) => signedUrl);
}

const shown = (url) =>
  new Promise((resolve) => {
    const image = new Image();
    image.onload = () => resolve(image.naturalWidth);
    image.onerror = () => resolve(0);
    image.src = url;
    document.body.append(image);
  });

async function report() {
  try {
    const urls = await signed();
    return { urls, widths: await Promise.all(urls.map(shown)) };
  } catch (error) {
    return { error: String(error) };
  }
}

// The answer comes when the page is to be loaded again.
await fetch("/report", { method: "POST", body: JSON.stringify(await report()) });
location.reload();
