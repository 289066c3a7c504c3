// The hook in React and a page of jsdom, by a clock that this script turns.
import { mock } from "node:test";

import { JSDOM } from "jsdom";

const START = 1_800_000_000;
const { window } = new JSDOM('<div id="root"></div>');
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
globalThis.navigator ??= window.navigator;
let hidden = false;
Object.defineProperty(window.document, "hidden", { get: () => hidden });

const { act, createElement } = await import("react");
const { createRoot } = await import("react-dom/client");
const hookOf = async (page, random) => {
  const draw = mock.method(Math, "random", () => random);
  const { useSignedUrl } = await import(`../../deploy/clients/use-signed-url.mjs?${page}`);
  draw.mock.restore();
  return useSignedUrl;
};
const calm = await hookOf("calm", 0);
const late = await hookOf("late", 0.999);
const complaints = mock.method(console, "error", () => {});

const now = () => Math.round(Date.now() / 1_000) - START;
const turn = (seconds) => act(async () => mock.timers.tick(seconds * 1_000));
const look = (away) =>
  act(async () => {
    hidden = away;
    window.document.dispatchEvent(new window.Event("visibilitychange"));
  });

/** A mounted component, what it shows, and the seconds in which it asked. */
async function page(useSignedUrl, sign) {
  const asked = [];
  const shown = [];
  function Picture({ path }) {
    const { url, error } = useSignedUrl(
      (bucket, path) => (asked.push(now()), sign(`${bucket}/${path}`, asked.length)),
      "documents",
      path,
    );
    shown.push([url ?? null, error?.message ?? null]);
    return createElement("img", { src: url });
  }
  const root = createRoot(window.document.getElementById("root"));
  const show = (path) => act(async () => root.render(createElement(Picture, { path })));
  await show("a.jpg");
  return {
    asked,
    shown,
    show,
    src: () => window.document.querySelector("img").getAttribute("src"),
    leave: () => act(async () => root.unmount()),
  };
}

/** Links good for 100 s, to be renewed after 80 s. */
const links = async (name, count) => ({
  url: `https://cdn.example.org/${name}?${count}`,
  renewAt: START + now() + 80,
});
const told = {};

async function scene(name, play) {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: START * 1_000 });
  told[name] = await play();
  mock.timers.reset();
}

await scene("renews", async () => {
  const one = await page(calm, links);
  const first = one.src();
  await turn(79);
  const before = one.src();
  await turn(2);
  const after = one.src();
  await one.leave();
  await turn(500);
  return { first, before, after, asked: one.asked };
});

await scene("spread", async () => {
  const one = await page(late, links);
  await turn(80);
  const early = [...one.asked];
  for (let second = 0; second < 10; second++) await turn(1);
  await one.leave();
  return { early, asked: one.asked };
});

await scene("hidden", async () => {
  const one = await page(calm, links);
  await look(true);
  await turn(500);
  const meanwhile = [...one.asked];
  await look(false);
  const after = one.src();
  await look(true);
  await look(false);
  await one.leave();
  return { meanwhile, asked: one.asked, after };
});

await scene("far", async () => {
  const one = await page(calm, async (name) => ({ url: name, renewAt: START + 30 * 86_400 }));
  await turn(29 * 86_400);
  const early = [...one.asked];
  await turn(86_400);
  await one.leave();
  return { early: early.length, asked: one.asked.length };
});

await scene("unmounted", async () => {
  let answer;
  const one = await page(calm, () => new Promise((resolve) => (answer = resolve)));
  await one.leave();
  const renders = one.shown.length;
  await act(async () => answer({ url: "late", renewAt: START + 10 }));
  await turn(500);
  return { asked: one.asked, changed: one.shown.length - renders };
});

await scene("another", async () => {
  const one = await page(calm, links);
  await one.show("b.jpg");
  const seen = one.shown.map(([url]) => url);
  await one.leave();
  return { seen, src: seen.at(-1) };
});

await scene("failing", async () => {
  const one = await page(calm, async (name, count) => {
    if (count === 2 || count === 3) throw new Error("no network");
    return links(name, count);
  });
  await turn(81);
  const meanwhile = one.shown.at(-1);
  for (let second = 0; second < 5; second++) await turn(1);
  const after = one.shown.at(-1);
  await one.leave();
  return { meanwhile, after, asked: one.asked };
});

await scene("refused", async () => {
  const one = await page(calm, async () => {
    throw Object.assign(new Error("There is no such document"), { status: 404 });
  });
  await turn(5_000);
  const last = one.shown.at(-1);
  await one.leave();
  return { last, asked: one.asked };
});

await scene("text", async () => {
  const one = await page(calm, async () => `https://x/o?token=1.k1.${START + now() + 100}.0.-.-.io.s`);
  await turn(79);
  const early = [...one.asked];
  await turn(2);
  await one.leave();
  const other = await page(calm, async () => "https://x/o?token=eyJ");
  await turn(100_000);
  await other.leave();
  return { early, asked: one.asked, other: other.asked.length };
});

told.complaints = complaints.mock.calls.map(({ arguments: [text] }) => String(text));
process.stdout.write(JSON.stringify(told));
