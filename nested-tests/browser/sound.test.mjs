// The page's sound in Chromium, without a server's: the page is given a rendition and packets of a tone that Chromium's own
// encoder has made, in real time, and what its audio thread plays is looked at.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { holds, launch, open, profile } from "./chromium.mjs";
import { Server } from "./server.mjs";

const PROGRAM = process.env.SERVER ?? fileURLToPath(new URL("../../target/debug/examples/page", import.meta.url));

let browser;
const open_ = [];

before(async () => {
  browser = await launch();
});
after(async () => {
  await browser?.close();
});
afterEach(async () => {
  for (const one of open_.splice(0).reverse()) await one();
});

async function play() {
  // A still picture leaves the processor to the sound.
  const server = await Server.start(PROGRAM, "still");
  open_.push(() => server.stop());
  const context = await profile(browser);
  open_.push(() => context.close());
  const page = await open(context, server.urls.at(-1), () => window.__goggles?.role === "view");
  await page.click("#play");
  await holds(page, () => window.__goggles.role === "input" && window.__goggles.sound.state === "running");
  return page;
}

/**
 * Gives the page a rendition with a tone; each packet comes when its last sample has been. `loss`: every so many-th doesn't,
 * but is repeated with the next two (as on the redundant track).
 */
async function sing(page, name, hz, loss = 0) {
  await page.evaluate(
    async ([name, hz, loss]) => {
      const { sound, offsetUs, startUs } = window.__goggles;
      const packets = [];
      const encoder = new AudioEncoder({
        output(chunk) {
          const data = new Uint8Array(chunk.byteLength);
          chunk.copyTo(data);
          packets.push(data);
        },
        error: (error) => console.error(error),
      });
      const shape = { sampleRate: 48_000, numberOfChannels: 2 };
      const opus = { frameDuration: 5_000, application: "lowdelay" };
      encoder.configure({ codec: "opus", bitrate: 128_000, opus, ...shape });
      const data = new Float32Array(96_000);
      // A second has whole periods, so it can be repeated.
      for (let n = 0; n < 48_000; n++) data[n] = data[n + 48_000] = Math.sin((n * hz * 2 * Math.PI) / 48_000) / 2;
      encoder.encode(new AudioData({ format: "f32-planar", numberOfFrames: 48_000, timestamp: 0, data, ...shape }));
      await encoder.flush();
      clearInterval(window.song);
      sound.configure({ name, codec: "opus", channels: 2, ...shape });
      const now = () => performance.now() * 1000 + offsetUs() - startUs;
      const give = (packet, n) => {
        if (loss > 0 && n % loss === 0) return;
        sound.packets(name, packet(n), loss > 0 ? [packet(n - 2), packet(n - 1)] : []);
      };
      let next = Math.ceil(now() / 5_000);
      window.song = setInterval(() => {
        const packet = (n) => ({ pts: n * 5_000, data: packets[n % packets.length] });
        for (; (next + 1) * 5_000 <= now(); next++) give(packet, next);
      }, 5);
    },
    [name, hz, loss],
  );
}

/** A quarter of a second of what is played, in which nothing was made up or jumped over: its loudness and pitch. */
async function listen(page) {
  await page.evaluate(() => {
    const { sound } = window.__goggles;
    const whole = () => JSON.stringify([sound.metrics?.concealed, sound.metrics?.resyncs]);
    window.heard = undefined;
    let [samples, before] = [[], undefined];
    sound.tap((_us, _usPerFrame, part) => {
      if (whole() !== before || part.every((sample) => sample === 0)) [samples, before] = [[], whole()];
      samples.push(...part);
      if (samples.length < 36_000) return;
      sound.tap(undefined);
      // What is made up shows in the figures a little later.
      window.heard = samples.slice(0, 24_000);
    });
  });
  return await holds(page, () => {
    const { heard } = window;
    if (!heard) return undefined;
    const crossings = heard.flatMap((sample, n) => (n > 0 && heard[n - 1] < 0 && sample >= 0 ? [n] : []));
    const periods = crossings.length - 1;
    const level = Math.sqrt(heard.reduce((sum, sample) => sum + sample * sample, 0) / heard.length);
    return { hz: (periods * 48_000) / (crossings.at(-1) - crossings[0]), level };
  });
}

test("a tone is heard at its pitch and level, and another rendition without a restart", async () => {
  const page = await play();
  assert.ok(await page.evaluate(() => crossOriginIsolated));
  await sing(page, "audio0", 440);
  const first = await listen(page);
  assert.ok(Math.abs(first.hz - 440) < 4, JSON.stringify(first));
  assert.ok(Math.abs(first.level - 0.5 / Math.SQRT2) < 0.02, JSON.stringify(first));
  await sing(page, "audio1", 1000);
  const second = await listen(page);
  assert.ok(Math.abs(second.hz - 1000) < 8, JSON.stringify(second));
  assert.equal(await page.evaluate(() => window.__goggles.sound.state), "running");
});

test("the sound is where it should be: as late as it says, and not drifting", async () => {
  const page = await play();
  await sing(page, "audio0", 440);
  await holds(page, () => window.__goggles.sound.metrics?.played > 400);
  await holds(page, () => Math.abs(window.__goggles.sound.metrics.drift) < 500);
  const { delay, depth } = await page.evaluate(() => window.__goggles.sound.metrics);
  assert.ok(delay >= 10_000 && depth <= delay, `${delay} ${depth}`);
});

test("what is lost and repeated is not missed", async () => {
  const page = await play();
  await sing(page, "audio0", 440, 10);
  // The delay has to grow to the next packet's time; then a second without a gap, with 20 lost packets in it.
  const count = () => page.evaluate(() => ({ ...window.__goggles.sound.metrics }));
  await holds(page, () => window.__goggles.sound.metrics?.played > 400);
  await page.evaluate(() => (window.before = undefined));
  await holds(page, () => {
    const { concealed, played } = window.__goggles.sound.metrics;
    if (concealed !== window.before?.concealed) window.before = { concealed, played };
    return played - window.before.played > 200;
  });
  const { duplicates } = await count();
  assert.equal(duplicates, 0, "each packet was decoded once");
});

test("mute and volume, by mouse and keyboard, are remembered", async () => {
  const page = await play();
  await sing(page, "audio0", 440);
  await page.keyboard.press("Control+Alt+Shift+KeyM");
  await page.waitForSelector("#mute:visible");
  await holds(page, () => window.__goggles.sound.gain === 1);
  await page.click("#mute");
  assert.equal(await page.getAttribute("#mute", "aria-pressed"), "true");
  await holds(page, () => window.__goggles.sound.gain < 0.001);
  await page.focus("#volume");
  for (let n = 0; n < 10; n++) await page.keyboard.press("ArrowLeft");
  // Whoever moves the slider wants to hear something.
  assert.equal(await page.getAttribute("#mute", "aria-pressed"), "false");
  await holds(page, () => Math.abs(window.__goggles.sound.gain - 0.81) < 0.01);
  await page.keyboard.press("Control+Alt+Shift+KeyA");
  assert.equal(await page.getAttribute("#mute", "aria-pressed"), "true");
  const kept = await page.evaluate(() => [window.__goggles.sound.volume, window.__goggles.sound.muted]);
  assert.deepEqual(kept, [90, true]);
  await page.reload();
  await holds(page, () => window.__goggles?.role === "view");
  assert.deepEqual(await page.evaluate(() => [window.__goggles.sound.volume, window.__goggles.sound.muted]), kept);
});

test("the bar has room for the sound at 320 pixels", async () => {
  const page = await play();
  await page.setViewportSize({ width: 320, height: 640 });
  await sing(page, "audio0", 440);
  await page.keyboard.press("Control+Alt+Shift+KeyM");
  await page.waitForSelector("#volume:visible");
  for (const id of ["mute", "volume", "fullscreen"]) {
    const { x, y, width, height } = await page.locator(`#${id}`).boundingBox();
    assert.ok(x >= 0 && y >= 0 && x + width <= 320 && height >= 36, `${id}: ${[x, y, width, height]}`);
  }
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/sound-320.png` });
});
