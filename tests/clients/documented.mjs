// The examples of docs/clients.md, as an app would use them.
const [{ owner }, path] = process.argv.slice(2).map((text) => JSON.parse(text));

globalThis.WebSocket ??= class {}; // Node 20 has none, and supabase-js will not start without

const { storageFor } = await import("../../docs/storage.mjs");
const { supabase } = await import("../../docs/client.mjs");
const { family, original, preview, saved, thumbnails } = await import("../../docs/links.mjs");

// A user who is signed in.
supabase.auth.getSession = async () => ({ data: { session: { access_token: owner } } });

async function signed(storage) {
  const { data, error } = await storage.from("documents").createSignedUrl(path, 600);
  if (error) throw error;
  return data.signedUrl;
}

async function opened(url) {
  const response = await fetch(url);
  await response.arrayBuffer();
  const { headers } = response;
  const disposition = headers.get("content-disposition")?.split(";")[0] ?? null;
  return [response.status, headers.get("content-type"), disposition];
}

const [{ url: thumbnail }] = await thumbnails([path]);
process.stdout.write(
  JSON.stringify({
    storage: await signed(storageFor({ access_token: owner })),
    client: await signed(supabase.storage),
    opened: {
      original: await opened(await original(path)),
      preview: await opened(await preview(path)),
      saved: await opened(await saved(path)),
      thumbnails: await opened(thumbnail),
    },
    family: await family(path),
  }),
  () => process.exit(), // supabase-js would renew its session for ever
);
