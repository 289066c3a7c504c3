// Runs a CloudFront function as CloudFront does: one event for each target. What it is given, and
// what it answers, is JSON; `cloudfront` and the broken things are stand-ins.
import { readFileSync } from "node:fs";

const { place, now, store, fault, requests } = JSON.parse(readFileSync(0, "utf8"));
Date.now = () => now * 1000;

globalThis.cloudfront = {
  kvs: () => {
    if (fault === "no store") throw new Error("no KeyValueStore");
    return {
      get: async (key) => {
        if (fault === "store down") throw new Error("the KeyValueStore does not answer");
        if (!Object.hasOwn(store, key)) throw new Error(`${key} not found`);
        return store[key];
      },
    };
  },
};

// A query as CloudFront's event has it: values of one name stand together, the rest is lost.
function parsed(query) {
  const found = {};
  for (const part of (query ?? "").split("&").filter(Boolean)) {
    const [name, ...value] = part.split("=");
    const said = { value: value.join("=") };
    if (!Object.hasOwn(found, name)) found[name] = said;
    else (found[name].multiValue ??= [{ value: found[name].value }]).push(said);
  }
  return found;
}

function eventOf({ target, method, headers }, number) {
  const [uri, ...rest] = target.split("?");
  const query = rest.length ? rest.join("?") : undefined;
  const fields = Object.entries(headers ?? {}).map(([name, value]) => [name, { value }]);
  return {
    version: "1.0",
    context: { eventType: "viewer-request", requestId: `request-${number}` },
    viewer: { ip: "192.0.2.7" },
    request: {
      method: method ?? "GET",
      uri,
      querystring: parsed(query),
      headers: Object.fromEntries([["host", { value: "docs.example.org" }], ...fields]),
      cookies: { a: { value: "b" } },
      rawQueryString: () => query,
    },
  };
}

if (fault === "no time") Date.now = () => NaN;
const { handler } = await import(place);
const answers = [];
for (const [number, request] of requests.entries()) {
  const event = eventOf(request, number);
  if (fault === "no query") delete event.request.rawQueryString;
  answers.push(await handler(event));
}
console.log(JSON.stringify(answers));
