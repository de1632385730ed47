// The stock player of MoQ, `@moq/watch` as npm has it, in Chromium: it knows nothing of goggles-scope, and plays its picture
// and its sound. SERVER as in page.test.mjs; SHOTS a folder for screenshots.
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { holds, launch, mix, open, profile } from "./chromium.mjs";
import { Server } from "./server.mjs";

const PROGRAM = process.env.SERVER ?? fileURLToPath(new URL("../../target/debug/examples/page", import.meta.url));

/** The stock player at a server with this sound, once the picture is seen. */
async function play(t, channels) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("stock.js", import.meta.url))],
    bundle: true,
    format: "esm",
    target: ["chrome120"],
    write: false,
    logLevel: "warning",
  });
  const server = await Server.start(PROGRAM, "moving", channels);
  t.after(() => server.stop());
  const browser = await launch();
  t.after(() => browser.close());
  // The server lets in no foreign page, so this one takes the place of its own, whose policy is not made for others' scripts.
  const context = await profile(browser, undefined, { bypassCSP: true });
  await context.addInitScript(mix);
  await context.route("**/main.js", (route) =>
    route.fulfill({ contentType: "text/javascript", body: outputFiles[0].text }),
  );
  const page = await open(context, server.urls[0], () => document.querySelector("moq-watch"));
  // The corners of the picture, red, green, blue and white.
  await holds(page, () => {
    const canvas = document.querySelector("canvas");
    const copy = Object.assign(document.createElement("canvas"), { width: 2, height: 2 });
    const context = copy.getContext("2d");
    if (canvas.width === 0) return false;
    for (const [x, y] of [[0, 0], [1, 0], [0, 1], [1, 1]]) {
      const [from, to] = [(0.1 + 0.8 * x) * canvas.width, (0.1 + 0.8 * y) * canvas.height];
      context.drawImage(canvas, from, to, 1, 1, x, y, 1, 1);
    }
    window.corners = [...context.getImageData(0, 0, 2, 2).data];
    const expected = [255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 255, 255, 255, 255];
    return window.corners.every((value, n) => Math.abs(value - expected[n]) <= 24);
  });
  return { page, server, browser };
}

/**
 * Waits until each ear hears its tones and not the other's; -33 dB at the volume it has, less what a mix to two takes away, less
 * where packets came too late.
 */
async function hears(page, sides) {
  await holds(
    page,
    (sides) => {
      const level = (ear, hz) => {
        const spectrum = new Float32Array(ear.frequencyBinCount);
        ear.getFloatFrequencyData(spectrum);
        const bin = Math.round((hz / ear.context.sampleRate) * ear.fftSize);
        return Math.max(...spectrum.slice(bin - 3, bin + 4));
      };
      return window.ears?.every((ear, side) => {
        const quietest = Math.min(...sides[side].map((hz) => level(ear, hz)));
        const other = sides[1 - side].filter((hz) => !sides[side].includes(hz)).map((hz) => level(ear, hz));
        return quietest > -46 && Math.max(...other) < quietest - 10;
      });
    },
    sides,
  );
}

/** The example's pitches. */
const STEREO = [[440], [560]];

test("the stock player plays the picture and the sound", async (t) => {
  const { page } = await play(t, "2");
  await hears(page, STEREO);
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/stock.png` });
});

// Of 5.1 and 7.1 it hears nothing, for it does not tell Chromium's decoder what the catalog has for it (`description`).
test("the stock player goes on when the layout is another", async (t) => {
  const { page, server, browser } = await play(t, "8");
  // A player's page changes it.
  await server.until(() => server.urls.length > 1, "another address");
  const player = await open(await profile(browser), server.urls[1], () => window.__goggles?.role === "view");
  await player.click("#play");
  await holds(player, () => window.__goggles.role === "input" && window.__goggles.painted > 0);
  await player.keyboard.press("c");
  await hears(page, STEREO);
});
