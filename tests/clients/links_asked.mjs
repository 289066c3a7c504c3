// withGateway with the real clients, at a server that answers as POST /v1/links does.
import { createServer } from "node:http";
import { mock } from "node:test";

import { StorageClient } from "@supabase/storage-js";
import { createClient } from "@supabase/supabase-js";

import { withGateway } from "../../deploy/clients/with-gateway.mjs";

const HOUR = 3_600_000;
const told = {};
const calls = [];
let ahead = 0; // of the server's clock, in milliseconds
let broken = 0; // the status of every answer, if there is one

function linkOf({ key }, seconds) {
  if (key === "none") return { error: { status: 404, code: "document.not-found", title: "None" } };
  return {
    url: `https://cdn/d/original/z/b/-/${key}?t=${calls.length}`,
    template: `https://cdn/d/{rendition}/z/b/-/${key}?t=${calls.length}`,
    renew_at: seconds + 80,
    expires_at: seconds + 100,
  };
}

const server = createServer(async (request, response) => {
  const body = await new Response(request).text();
  const { authorization, apikey } = request.headers;
  const asked = JSON.parse(body);
  calls.push({ method: request.method, path: request.url, authorization, apikey, asked });
  const now = Date.now() + ahead;
  const answer = broken
    ? { status: broken, code: "token.refused", title: "No" }
    : { links: asked.documents.map((document) => linkOf(document, Math.floor(now / 1_000))) };
  response.writeHead(broken || 200, { date: new Date(now).toUTCString() });
  response.end(JSON.stringify(answer));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const gateway = `http://127.0.0.1:${server.address().port}`;
const storage = new StorageClient("http://127.0.0.1:1/storage/v1", {
  apikey: "anon",
  Authorization: "Bearer user",
});

/** What a scene gives, and the calls it made. */
async function scene(name, play, options = {}) {
  calls.length = 0;
  const outcome = await play(withGateway(storage, { gateway, ...options }));
  told[name] = { outcome, calls: calls.map(({ asked, ...call }) => ({ ...call, asked })) };
}

const refusal = (error) => ({ name: error.name, status: error.status, code: error.code });

await scene("one", (links) => links.signedUrl("b", "a.pdf"));
await scene("zoned", (links) => links.signedUrl("b", "a.pdf"), { zone: "clinic" });
await scene("views", (links) =>
  Promise.all([
    links.signedUrl("b", "a.pdf"),
    links.signedUrl("b", "a.pdf", { rendition: "w640-webp" }),
    links.signedUrl("b", "c.pdf", { rendition: "thumb" }),
  ]),
);
await scene("wishes", (links) =>
  Promise.all([
    links.signedUrl("b", "a.pdf"),
    links.signedUrl("b", "a.pdf", { download: true, expiresIn: 60 }),
    links.signedUrl("b", "a.pdf", { grant: "previews", rendition: "w640" }),
  ]),
);
await scene("many", async (links) => {
  const paths = Array.from({ length: 1_001 }, (_, at) => `${at}.pdf`);
  const answers = await links.signedUrls("b", paths);
  told.sizes = calls.map(({ asked }) => asked.documents.length);
  calls.length = 0;
  return answers.every(({ path, url }, at) => path === paths[at] && url.includes(`/${path}?`));
});
await scene("refused", async (links) => {
  const [good, none] = await links.signedUrls("b", ["a.pdf", "none"]);
  const thrown = await links.signedUrl("b", "none").catch(refusal);
  return { good, none: { ...none, error: refusal(none.error) }, thrown };
});
await scene("broken", async (links) => {
  broken = 401;
  const both = await Promise.allSettled([links.signedUrl("b", "a"), links.signedUrl("b", "c")]);
  broken = 0;
  const after = await links.signedUrl("b", "a");
  return { refusals: both.map(({ reason }) => refusal(reason)), after };
});
await scene("remembered", async (links) => {
  mock.timers.enable({ apis: ["Date"], now: Date.now() });
  const first = await links.signedUrl("b", "a");
  mock.timers.tick(78_000);
  const kept = await links.signedUrl("b", "a");
  mock.timers.tick(3_000);
  const renewed = await links.signedUrl("b", "a");
  mock.timers.reset();
  return { kept: kept === first, renewed: renewed === first };
});
for (const [name, skew] of [
  ["gateway behind", -HOUR],
  ["gateway ahead", HOUR],
]) {
  await scene(name, async (links) => {
    ahead = skew;
    mock.timers.enable({ apis: ["Date"], now: Date.now() });
    const first = await links.signedUrl("b", "a");
    const { renewAt } = await links.sign("b", "a");
    mock.timers.tick(70_000);
    const kept = await links.signedUrl("b", "a");
    mock.timers.tick(20_000);
    const renewed = await links.signedUrl("b", "a");
    const rest = Math.round(renewAt - Date.now() / 1_000 + 90);
    mock.timers.reset();
    ahead = 0;
    return { kept: kept === first, renewed: renewed === first, rest };
  });
}
await scene("forgotten", async (links) => {
  await links.signedUrl("b", "a");
  links.forget();
  await links.signedUrl("b", "a");
  return calls.length;
});

// supabase-js, with a session as it keeps it.
const kept = new Map();
const session = {
  access_token: "session",
  refresh_token: "refresh",
  token_type: "bearer",
  expires_in: 3_600,
  expires_at: Math.floor(Date.now() / 1_000) + 3_600,
  user: { id: "a", aud: "authenticated" },
};
kept.set("signed-in", JSON.stringify(session));
const supabase = createClient("http://127.0.0.1:1", "anon", {
  realtime: { transport: class {} },
  auth: {
    storageKey: "signed-in",
    autoRefreshToken: false,
    storage: {
      getItem: (name) => kept.get(name) ?? null,
      setItem: (name, value) => void kept.set(name, value),
      removeItem: (name) => void kept.delete(name),
    },
  },
  global: {
    fetch: (url, options) =>
      String(url).includes("/logout") ? new Response("{}") : fetch(url, options),
  },
});
calls.length = 0;
const links = withGateway(supabase, { gateway });
await links.signedUrl("b", "a");
await links.signedUrl("b", "a");
await supabase.auth.signOut({ scope: "local" });
await links.signedUrl("b", "a");
told.session = calls.map(({ authorization, apikey }) => ({ authorization, apikey }));

calls.length = 0;
const lent = createClient("http://127.0.0.1:1", "anon", {
  realtime: { transport: class {} },
  accessToken: async () => "lent",
});
await withGateway(lent, { gateway }).signedUrl("b", "a");
told.lent = calls.map(({ authorization, apikey }) => ({ authorization, apikey }));

process.stdout.write(JSON.stringify(told), () => process.exit());
