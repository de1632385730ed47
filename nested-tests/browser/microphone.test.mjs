// The page's microphone in Chromium, whose own test device beeps: what the example server hears, and what people see.
import assert from "node:assert/strict";
import { test } from "node:test";
import { holds, open } from "./chromium.mjs";
import { fresh, serve as start, shot } from "./stage.mjs";

async function serve(...args) {
  const server = await start("still", "none", ...args);
  // The last one lets speak.
  if (args.includes("microphone")) await server.until(() => server.urls.length === 2, "both addresses");
  return server;
}

/** A page that plays (or watches, where another does), from an address of the server's. `script` runs before the page. */
async function play(server, url, { script, role = "input" } = {}) {
  const context = await fresh(undefined, { scripts: script ? [script] : [] });
  const page = await open(context, url, () => window.__goggles?.role === "view");
  await page.click("#play");
  await holds(page, (role) => window.__goggles.role === role, role);
  await page.keyboard.press("Control+Alt+Shift+KeyM");
  await page.waitForSelector("#stats-toggle:visible");
  return page;
}

const pressed = (page) => page.getAttribute("#microphone", "aria-pressed");

test("what is said is heard, from the press of the button to the next", async () => {
  const server = await serve("microphone");
  const page = await play(server, server.urls.at(-1));
  await page.waitForSelector("#microphone:visible");
  assert.ok(await page.isHidden("#live"), "off until it is asked for");
  await page.click("#microphone");
  await page.waitForSelector("#live:visible");
  assert.equal(await page.textContent("#live"), "Your microphone is on");
  assert.equal(await pressed(page), "true");
  await shot(page, "microphone-on");
  const voices = () => server.said.flatMap(({ voice }) => voice ?? []);
  const beep = await server.until(() => voices().find(({ peak }) => peak > 0.05), "a beep");
  assert.equal(beep.frames, 480, "packets of 10 ms");
  assert.ok(beep.hz > 150 && beep.hz < 2_000, JSON.stringify(beep));
  assert.ok(!voices().some(({ error }) => error), JSON.stringify(voices()));
  // A minute away from the truth would be another clock; how late it is, is the machine's business.
  assert.ok(beep.age_us > 0 && beep.age_us < 60e6, JSON.stringify(beep));
  await page.click("#microphone");
  await page.waitForSelector("#live", { state: "hidden" });
  assert.equal(await pressed(page), "false");
  const state = await page.evaluate(() => window.__goggles.recording);
  assert.equal(state, false, "nothing is recorded any more");
});

test("it is off when the page is hidden, and another page sees that it was on", async () => {
  const server = await serve("microphone");
  const speaker = await play(server, server.urls.at(-1));
  const listener = await play(server, server.urls[0], { role: "view" });
  assert.ok(await listener.isHidden("#microphone"), "its address doesn't let it speak");
  await speaker.click("#microphone");
  await speaker.waitForSelector("#live:visible");
  await listener.waitForSelector("#live:visible");
  assert.equal(await listener.textContent("#live"), "Somebody's microphone is on");
  await speaker.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await listener.waitForSelector("#live", { state: "hidden" });
  assert.equal(await pressed(speaker), "false");
});

test("without --microphone there is no button", async () => {
  const server = await serve();
  const page = await play(server, server.urls.at(-1));
  assert.ok(await page.isHidden("#microphone"));
  await page.keyboard.press("Control+Alt+Shift+KeyV");
  assert.equal(await pressed(page), "false");
});

for (const [name, says] of [
  ["NotAllowedError", "The browser doesn't let this page use a microphone."],
  ["NotFoundError", "There is no microphone."],
]) {
  test(`what is in the way is said: ${name}`, async () => {
    const server = await serve("microphone");
    const script = `{
      const refuse = async () => { throw new DOMException("", "${name}"); };
      Object.defineProperty(navigator.mediaDevices, "getUserMedia", { value: refuse });
    }`;
    const page = await play(server, server.urls.at(-1), { script });
    await page.click("#microphone");
    await page.waitForFunction((says) => document.getElementById("notice").textContent === says, says);
    assert.ok(await page.isVisible("#notice"));
    assert.equal(await pressed(page), "false");
    assert.ok(await page.isHidden("#live"));
    await shot(page, `microphone-${name}`);
  });
}
