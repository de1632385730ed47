// Chromium for the tests and the bench: the distribution's, headless, by playwright-core.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

/** How long anything may take before it is taken for broken. */
export const PATIENCE = 30_000;

const PLACES = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/google-chrome"];

/** Starts it. The full browser, not the headless shell, which has no WebTransport. */
export async function launch() {
  const executablePath = PLACES.find((place) => place && existsSync(place));
  if (!executablePath) throw new Error("no Chromium; on Debian: apt-get install chromium (or set CHROMIUM)");
  return await chromium.launch({
    executablePath,
    headless: true,
    args: [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--autoplay-policy=no-user-gesture-required",
      // A microphone that beeps, and that every page may use.
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
      // What is in place of the page's own files is from nowhere, so it may connect to nobody near.
      ...(process.env.PAGE ? ["--disable-features=LocalNetworkAccessChecks"] : []),
    ],
  });
}

/** A fresh profile: no key, no memory of other pages. */
export async function profile(browser, viewport = { width: 1280, height: 720 }, options = {}) {
  const context = await browser.newContext({ viewport, ignoreHTTPSErrors: true, ...options });
  context.setDefaultTimeout(PATIENCE);
  // While working on the page: a folder made by `node build.mjs FOLDER` in place of what is in the binary.
  if (process.env.PAGE) {
    for (const file of ["main.js", "worker.js", "style.css"]) {
      // An isolated page takes no worker without this.
      const headers = { "cross-origin-embedder-policy": "require-corp" };
      await context.route(`**/${file}`, (route) => route.fulfill({ path: join(process.env.PAGE, file), headers }));
    }
  }
  return context;
}

/** Opens the address that goggles-scope printed and waits until `until` holds in the page. */
export async function open(context, url, until = () => window.__goggles?.painted > 0) {
  const page = await context.newPage();
  page.log = [];
  page.on("console", (message) => page.log.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => page.log.push(`error: ${error.stack ?? error}`));
  await page.goto(url);
  await holds(page, until);
  return page;
}

/** Runs before the page: keeps what goes to the loudspeakers, mixed to two, as spectra in `window.ears`. */
export function mix() {
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) {
      const pair = this.context.createGain();
      Object.assign(pair, { channelCount: 2, channelCountMode: "explicit", channelInterpretation: "speakers" });
      const split = this.context.createChannelSplitter(2);
      connect.call(this, pair);
      connect.call(pair, split);
      window.ears = [0, 1].map((channel) => {
        const ear = this.context.createAnalyser();
        Object.assign(ear, { fftSize: 4096, smoothingTimeConstant: 0 });
        connect.call(split, ear, channel);
        return ear;
      });
    }
    return connect.call(this, to, ...rest);
  };
}

/** Waits until a function of the page gives something true; the page's log is in the error if it doesn't. */
export async function holds(page, what, argument) {
  try {
    const handle = await page.waitForFunction(what, argument, { polling: 20, timeout: PATIENCE });
    return await handle.jsonValue();
  } catch (error) {
    const state = await page.evaluate(() => JSON.stringify(window.__goggles)).catch(() => "gone");
    throw new Error(`${error.message}\n  waiting for: ${what}\n  __goggles: ${state}\n  ${page.log?.join("\n  ")}`);
  }
}

/** Types on a US keyboard, with shift where it is needed (playwright's own `type` leaves shift out). */
export async function type(page, text) {
  for (const character of text) {
    const shifted = /[A-Z~!@#$%^&*()_+{}|:"<>?]/.test(character);
    await page.keyboard.press(character === "\n" ? "Enter" : shifted ? `Shift+${character}` : character);
  }
}

/** The colour of a point of the picture (fractions of it), as painted: [r, g, b]. */
export async function colour(page, x, y) {
  return await page.evaluate(
    ([x, y]) => {
      const picture = document.getElementById("picture");
      const copy = document.createElement("canvas");
      copy.width = 1;
      copy.height = 1;
      const context = copy.getContext("2d");
      context.drawImage(picture, Math.floor(x * picture.width), Math.floor(y * picture.height), 1, 1, 0, 0, 1, 1);
      return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    },
    [x, y],
  );
}

/** Waits until a point of the picture has this colour, nearly: something may be passing over it. */
export async function shows(page, x, y, expected) {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const actual = await colour(page, x, y);
    if (actual.every((v, i) => Math.abs(v - expected[i]) <= 24)) return;
    if (performance.now() > deadline) throw new Error(`the picture at ${x}, ${y} is ${actual}, not ${expected}`);
    const painted = await page.evaluate(() => window.__goggles.painted);
    await holds(page, (painted) => window.__goggles.painted > painted, painted);
  }
}

/**
 * Presses a key `n` times and measures each time from the page's key event to the decoder giving out a frame whose probed
 * point has changed; milliseconds. The keyboard must be the game's. Afterwards `window.flips.sinceCommit` has the part of each
 * from the game's commit on.
 */
export async function flips(page, { n = 100, key = "a", pause = 50 } = {}) {
  await page.evaluate(() => {
    window.flips = { pressed: 0, last: undefined, ms: [], sinceCommit: [] };
    const start = (event) => {
      if (event.repeat || window.flips.last === undefined) return;
      window.flips.pressed = performance.now();
    };
    document.addEventListener("keydown", start, { capture: true });
    window.__goggles.onframe = ({ yuv, decodedAt, sinceCommit }) => {
      const { flips } = window;
      const changed = flips.last && yuv.some((v, i) => Math.abs(v - flips.last[i]) > 24);
      flips.last = yuv;
      if (!changed || flips.pressed === 0) return;
      flips.ms.push(decodedAt - flips.pressed);
      flips.sinceCommit.push(sinceCommit);
      flips.pressed = 0;
    };
  });
  // A still picture has told nothing yet: the first press makes it.
  await page.keyboard.press(key);
  await holds(page, () => window.flips.last !== undefined);
  for (let done = 0; done < n; done++) {
    await page.waitForTimeout(pause + Math.random() * 17);
    await page.keyboard.press(key);
    await holds(page, (done) => window.flips.ms.length > done, done);
  }
  return await page.evaluate(() => {
    window.__goggles.onframe = undefined;
    return window.flips.ms;
  });
}
