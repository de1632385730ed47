// What the page does where something is in the way: of the stream, the sound or the microphone.
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { holds, open } from "./chromium.mjs";
import { atEnd, fresh, play, serve, shot } from "./stage.mjs";

const notice = (page, text) => holds(page, (text) => document.getElementById("notice").textContent === text, text);

/** Runs before the page: keeps the addresses of the page's own sessions. */
function sessions() {
  window.sessions = [];
  const Transport = WebTransport;
  window.WebTransport = class extends Transport {
    constructor(url, options) {
      super(url, options);
      window.sessions.push(url);
    }
  };
}

function undecodable() {
  VideoDecoder.prototype.configure = () => {
    throw new DOMException("no H.264 here", "NotSupportedError");
  };
}

test("a browser that can't decode the picture says so, and stays at that", async () => {
  const server = await serve();
  const context = await fresh(undefined, { scripts: [sessions, undecodable] });
  const page = await open(context, server.urls[0], () => window.__goggles?.state === "unsupported");
  assert.equal(await page.textContent("#headline"), "This browser can't play the stream");
  assert.match(await page.textContent("#detail"), /can't decode avc/);
  await shot(page, "unsupported");
  // What would be tried again is tried at once when the network is back.
  await page.evaluate(() => window.dispatchEvent(new Event("online")));
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
  assert.deepEqual(await page.evaluate(() => [window.__goggles.state, window.sessions.length]), ["unsupported", 1]);
});

/** Hands on what comes by TCP to that port of this machine; answers its own. */
async function forwarded(port) {
  const sockets = new Set();
  const proxy = createServer((client) => {
    const there = connect(port, "127.0.0.1");
    for (const [from, to] of [[client, there], [there, client]]) {
      sockets.add(from);
      from.pipe(to).on("error", () => undefined);
      from.on("close", () => to.destroy());
    }
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  atEnd(() => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
  });
  return proxy.address().port;
}

test("where only TCP comes through it is said, and the address is still good", async () => {
  const server = await serve();
  const url = new URL(server.urls[0]);
  const { hash } = url;
  url.port = String(await forwarded(Number(url.port)));
  const page = await open(await fresh(undefined, { scripts: [sessions] }), url.href, () => window.__goggles?.state === "refused");
  assert.ok((await page.textContent("#detail")).includes(`port ${url.port} must be open for UDP too`));
  assert.equal(await page.evaluate(() => location.hash), hash);
  await shot(page, "no-udp");
  const tokens = () => window.sessions.map((url) => new URL(url).searchParams.has("token"));
  assert.deepEqual(await page.evaluate(tokens), [true, false], "the key may be known");
  await page.click("#retry");
  await holds(page, () => window.sessions.length === 4 && window.__goggles.state === "refused");
  assert.deepEqual(await page.evaluate(tokens), [true, false, true, false]);
});

test("where nothing at all answers by UDP it is said as well", async () => {
  const server = await serve();
  const url = new URL(server.urls[0]);
  url.port = String(await forwarded(Number(url.port)));
  // As behind a firewall that drops.
  const deaf = createSocket("udp4");
  deaf.bind(Number(url.port), "127.0.0.1");
  await once(deaf, "listening");
  atEnd(() => deaf.close());
  const page = await open(await fresh(), url.href, () => window.__goggles?.state === "reconnecting");
  const says = `Nothing comes through by UDP: port ${url.port} must be open for UDP too, not for TCP alone.`;
  assert.equal(await page.textContent("#detail"), says);
});

test("a part of the page that didn't come is fetched again", async () => {
  const server = await serve();
  const context = await fresh();
  await context.route("**/worker.js", (route) => route.abort());
  const page = await open(context, server.urls[0], () => window.__goggles?.state === "reconnecting");
  await context.unroute("**/worker.js");
  await holds(page, () => window.__goggles.painted > 0);
});

test("sound that can't start is told, and tried again at the next press", async () => {
  const server = await serve("still", "2");
  const context = await fresh(undefined, {
    scripts: [
      () => {
        const add = AudioWorklet.prototype.addModule;
        AudioWorklet.prototype.addModule = function (...args) {
          return window.loads ? add.apply(this, args) : Promise.reject(new DOMException("", "AbortError"));
        };
      },
    ],
  });
  const page = await play(server, context);
  await notice(page, "No sound: a part of the page can't be loaded.");
  await shot(page, "no-sound");
  await page.evaluate(() => (window.loads = true));
  await page.keyboard.press("a");
  await holds(page, () => window.__goggles.sound.metrics?.played > 100);
  await notice(page, "");
});

test("a device that stops is started again", async () => {
  const server = await serve("still", "2");
  const context = await fresh(undefined, {
    scripts: [
      () => {
        const Context = AudioContext;
        window.AudioContext = class extends Context {
          constructor(...args) {
            super(...args);
            window.context = this;
          }
        };
      },
    ],
  });
  const page = await play(server, context);
  const plays = () =>
    holds(page, () => {
      const { played } = window.__goggles.sound.metrics ?? {};
      window.before ??= played;
      return played > window.before + 100;
    });
  await plays();
  await page.evaluate(() => window.context.suspend());
  await holds(page, () => window.context.state === "running");
  await page.evaluate(() => (window.before = undefined));
  await plays();
});

/** Keeps the streams that the page is given; with `ask` set, each only when it is called. */
function streams() {
  window.streams = [];
  window.asked = [];
  const { mediaDevices } = navigator;
  const get = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = async (wish) => {
    const stream = await get(wish);
    window.streams.push(stream);
    if (window.holdsBack) await new Promise((resolve) => window.asked.push(resolve));
    return stream;
  };
}
const tracks = () => window.streams.flatMap((stream) => stream.getTracks().map((track) => track.readyState));

async function speaker(...scripts) {
  const server = await serve("still", "none", "microphone");
  await server.until(() => server.urls.length === 2, "both addresses");
  const page = await play(server, await fresh(undefined, { scripts: [streams, ...scripts] }));
  await page.keyboard.press("Control+Alt+Shift+KeyM");
  await page.waitForSelector("#microphone:visible");
  return page;
}

test("a microphone that can't be used is closed", async () => {
  const page = await speaker(() => {
    AudioEncoder.prototype.configure = () => {
      throw new TypeError("no Opus here");
    };
  });
  await page.click("#microphone");
  await notice(page, "The microphone doesn't work: no Opus here");
  assert.deepEqual(await page.evaluate(tracks), ["ended"]);
  assert.equal(await page.getAttribute("#microphone", "aria-pressed"), "false");
});

test("a microphone without the audio thread's part is closed", async () => {
  const page = await speaker(() => {
    AudioWorklet.prototype.addModule = () => Promise.reject(new DOMException("", "AbortError"));
  });
  await page.click("#microphone");
  await notice(page, "The microphone doesn't work: a part of the page can't be loaded");
  assert.deepEqual(await page.evaluate(tracks), ["ended"]);
});

test("a microphone that is turned off and on while the browser asks is open once", async () => {
  const page = await speaker();
  await page.evaluate(() => (window.holdsBack = true));
  for (let n = 0; n < 3; n++) await page.click("#microphone");
  await holds(page, () => window.asked.length === 2);
  await page.evaluate(() => window.asked.forEach((go) => go()));
  await page.waitForSelector("#live:visible");
  assert.deepEqual((await page.evaluate(tracks)).sort(), ["ended", "live"]);
});

test("one microphone too many is turned off, and it is said why", async () => {
  const server = await serve("still", "none", "microphone");
  await server.until(() => server.urls.length === 2, "both addresses");
  // The key lets speak, not the page: one profile has all five.
  const context = await fresh(undefined, { scripts: [streams] });
  const address = server.urls.at(-1);
  const pages = [];
  for (let n = 0; n < 5; n++) {
    const page = await open(context, n === 0 ? address : address.split("#")[0], () => window.__goggles?.role === "view");
    await page.click("#play");
    pages.push(page);
  }
  // Those that are behind don't see it: the button is pressed all the same.
  for (const page of pages.slice(0, 4)) {
    await page.evaluate(() => document.getElementById("microphone").click());
    await holds(page, () => document.getElementById("live").textContent === "Your microphone is on");
  }
  const last = pages[4];
  await holds(last, () => document.getElementById("microphone").hidden);
  await last.evaluate(() => (window.holdsBack = true));
  await pages[0].evaluate(() => document.getElementById("microphone").click());
  await holds(last, () => !document.getElementById("microphone").hidden);
  await last.evaluate(() => document.getElementById("microphone").click());
  await holds(last, () => window.asked.length === 1);
  // Another was faster.
  await pages[0].evaluate(() => document.getElementById("microphone").click());
  await notice(last, "The server lets no more microphones be on.");
  await last.evaluate(() => window.asked[0]());
  await holds(last, () => window.streams[0].getTracks().every((track) => track.readyState === "ended"));
  assert.equal(await last.getAttribute("#microphone", "aria-pressed"), "false");
});
