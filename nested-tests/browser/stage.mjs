// What the tests of the page share: one Chromium for a file's tests, and for each a server and pages, which end with it. SERVER
// names the built example that serves them (default: the workspace's target/debug/examples/page); SHOTS a folder for screenshots.
import { after, afterEach, before } from "node:test";
import { fileURLToPath } from "node:url";
import { holds, launch, open, profile } from "./chromium.mjs";
import { Server } from "./server.mjs";

const PROGRAM = process.env.SERVER ?? fileURLToPath(new URL("../../target/debug/examples/page", import.meta.url));

let browser;
const ends = [];

before(async () => {
  browser = await launch();
});
after(async () => {
  await browser?.close();
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Called when the test is over. */
export function atEnd(end) {
  ends.push(end);
}

/** The example's arguments: "still" for a picture that doesn't move, … */
export async function serve(...args) {
  const server = await Server.start(PROGRAM, ...args);
  atEnd(() => server.stop());
  return server;
}

/** A profile of its own; `scripts` run before its pages. */
export async function fresh(viewport, { scripts = [], ...options } = {}) {
  const context = await profile(browser, viewport, options);
  atEnd(() => context.close());
  for (const script of scripts) await context.addInitScript(script);
  return context;
}

/** A page that has the controls. */
export async function play(server, context) {
  const page = await open(context ?? (await fresh()), server.urls.at(-1));
  await page.click("#play");
  await holds(page, () => window.__goggles.role === "input");
  return page;
}

export async function shot(page, name) {
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name}.png` });
}
