// The page's sound in Chromium: what its audio thread plays is looked at. The packets are the example server's, or, where it
// must be known what becomes of each, Chromium's own encoder's, given to the page in real time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { holds, mix, open, PATIENCE } from "./chromium.mjs";
import { fresh, serve, shot } from "./stage.mjs";

/** Runs before the page: `lossy` runs in its workers, before they do anything. */
function lossyWorkers(every, lossy) {
  window.Worker = class extends Worker {
    constructor(url, options) {
      const script = `import ${JSON.stringify(new URL(url, location.href).href)};\n(${lossy})(${every});`;
      super(URL.createObjectURL(new Blob([script], { type: "text/javascript" })), options);
    }
  };
}

/** In a worker: every so many-th datagram that comes in is lost. */
function lossy(every) {
  const { get } = Object.getOwnPropertyDescriptor(WebTransportDatagramDuplexStream.prototype, "readable");
  const streams = new WeakMap();
  Object.defineProperty(WebTransportDatagramDuplexStream.prototype, "readable", {
    get() {
      if (!streams.has(this)) {
        let n = 0;
        const transform = (datagram, controller) => n++ % every !== 0 && controller.enqueue(datagram);
        streams.set(this, get.call(this).pipeThrough(new TransformStream({ transform })));
      }
      return streams.get(this);
    },
  });
}

/**
 * `channels`: of the server's own sound; undefined: it has none. `isolated`: the page may share memory with its threads.
 * `script` runs before it; the rest is for its profile.
 */
async function play(channels, { isolated = true, script, ...options } = {}) {
  // A still picture leaves the processor to the sound.
  const server = await serve("still", channels);
  // As it is where a proxy keeps no headers.
  const alone = () => Object.defineProperty(window, "crossOriginIsolated", { value: false });
  const context = await fresh(undefined, { scripts: [mix, ...(isolated ? [] : [alone]), ...(script ? [script] : [])], ...options });
  const page = await open(context, server.urls.at(-1), () => window.__goggles?.role === "view");
  await page.click("#play");
  // A catalog that came after a test's own rendition would end that; the picture comes after it.
  await holds(page, () => window.__goggles.role === "input" && window.__goggles.sound.state === "running" && window.__goggles.painted > 0);
  page.server = server;
  return page;
}

/**
 * Gives the page a rendition with a tone; each packet comes when its last sample has been. `loss`: every so many-th doesn't,
 * but is repeated with the next two (as on the redundant track) unless `repeated` is false. `beat`: the tone is silent but for
 * the beginning of each second.
 */
async function sing(page, name, hz, { loss = 0, repeated = true, beat = false } = {}) {
  await page.evaluate(
    async ([name, hz, loss, repeated, beat]) => {
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
      // A second has whole periods, so it can be repeated; the first one begins from silence, which would be heard again and
      // again.
      const frames = 96_000;
      const data = new Float32Array(2 * frames);
      for (let n = 0; n < frames; n++) {
        const silent = beat && n % 48_000 >= 4_800;
        data[n] = data[n + frames] = silent ? 0 : Math.sin((n * hz * 2 * Math.PI) / 48_000) / 2;
      }
      encoder.encode(new AudioData({ format: "f32-planar", numberOfFrames: frames, timestamp: 0, data, ...shape }));
      await encoder.flush();
      packets.splice(0, 200);
      clearInterval(window.song);
      sound.configure({ name, codec: "opus", channels: 2, ...shape });
      const now = () => performance.now() * 1000 + offsetUs() - startUs;
      const give = (packet, n) => {
        if (loss > 0 && n % loss === 0) return;
        sound.packets(name, packet(n), loss > 0 && repeated ? [packet(n - 2), packet(n - 1)] : []);
      };
      let next = Math.ceil(now() / 5_000);
      window.song = setInterval(() => {
        const packet = (n) => ({ pts: n * 5_000, data: packets[n % packets.length] });
        for (; (next + 1) * 5_000 <= now(); next++) give(packet, next);
      }, 5);
    },
    [name, hz, loss, repeated, beat],
  );
}

/**
 * A quarter of a second of what is played, in which nothing was made up or jumped over: each channel's loudness and pitch.
 * Short, so that a busy machine has one soon; and all periods are whole in it to a per cent.
 */
async function listen(page) {
  await page.evaluate(() => {
    const { sound } = window.__goggles;
    const whole = () => JSON.stringify([sound.metrics?.concealed, sound.metrics?.resyncs]);
    window.heard = undefined;
    let [parts, before] = [[], undefined];
    sound.tap((_us, _usPerFrame, planes) => {
      if (whole() !== before || planes[0].every((sample) => sample === 0)) [parts, before] = [[], whole()];
      parts.push(planes);
      if (parts.length < 224) return;
      sound.tap(undefined);
      // What is made up shows in the figures when it ends, and those come ten times a second.
      const last = parts.slice(0, -128);
      window.heard = planes.map((_, c) => last.flatMap((one) => [...one[c]]));
    });
  });
  return await holds(page, () =>
    window.heard?.map((samples) => {
      const crossings = samples.flatMap((sample, n) => (n > 0 && samples[n - 1] < 0 && sample >= 0 ? [n] : []));
      const periods = crossings.length - 1;
      const level = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
      return { hz: (periods * 48_000) / (crossings.at(-1) - crossings[0]), level };
    }),
  );
}

/**
 * Waits until there is a piece with each channel at its pitch, and with a tone of this amplitude: on a busy machine what is
 * played may have holes that its figures don't tell yet.
 */
async function hears(page, pitches, amplitude = 0.25) {
  const right = ({ hz, level }, c) => Math.abs(hz / pitches[c] - 1) < 0.01 && Math.abs(level - amplitude / Math.SQRT2) < 0.02;
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const heard = await listen(page);
    if (heard.length === pitches.length && heard.every(right)) return;
    assert.ok(performance.now() < deadline, JSON.stringify(heard));
  }
}

test("a tone is heard at its pitch and level, and another rendition without a restart", async () => {
  const page = await play();
  assert.ok(await page.evaluate(() => crossOriginIsolated));
  await sing(page, "audio0", 440);
  await hears(page, [440, 440], 0.5);
  await sing(page, "audio1", 1000);
  await hears(page, [1000, 1000], 0.5);
  assert.equal(await page.evaluate(() => window.__goggles.sound.state), "running");
});

/** The example's pitches, in the browser's order of channels: FL FR FC LFE RL RR SL SR. */
const PITCHES = [440, 560, 680, 120, 800, 920, 1040, 1160];

test("the server's sound is heard, each channel at its pitch and level; the server is told what can be heard", async () => {
  const page = await play("auto");
  const most = await page.evaluate(() => window.__goggles.sound.maxChannels);
  const fits = [8, 6, 2].find((channels) => channels <= most) ?? 2;
  await page.server.until(() => page.server.said.some(({ loudspeakers }) => loudspeakers === fits), "the loudspeakers");
  await holds(page, (fits) => window.__goggles.sound.metrics && window.__goggles.sound.channels === fits, fits);
  await hears(page, PITCHES.slice(0, fits));
});

for (const channels of [6, 8]) {
  test(`${channels} channels: each is decoded into its place, and all are heard from two loudspeakers`, async () => {
    const page = await play(String(channels));
    await hears(page, PITCHES.slice(0, channels));
    if (await page.evaluate(() => window.__goggles.sound.maxChannels > 2)) return;
    const sides = [
      [440, 680, 800, 1040],
      [560, 680, 920, 1160],
    ].map((side) => side.filter((hz) => PITCHES.indexOf(hz) < channels));
    // The least of them, of 7.1's sides: half of its level, so -24 dB as the spectrum has it, less 8 dB for its window, less 1
    // between two bins; and what is not for an ear, where a sample that is slipped or a packet that is made up leaves
    // something. Short spectra: a busy machine makes holes.
    await holds(
      page,
      (sides) =>
        window.ears.every((ear, side) => {
          const spectrum = new Float32Array(ear.frequencyBinCount);
          ear.getFloatFrequencyData(spectrum);
          const bin = (hz) => Math.round((hz / 48_000) * ear.fftSize);
          const level = (hz) => Math.max(...spectrum.slice(bin(hz) - 3, bin(hz) + 4));
          const [own, others] = [sides[side], sides[1 - side].filter((hz) => !sides[side].includes(hz))];
          return own.every((hz) => level(hz) > -36) && others.every((hz) => level(hz) < -40);
        }),
      sides,
    );
  });
}

/** Runs before the page: as many loudspeakers as `window.loudspeakers` says; how many channels are put out is kept. */
function loudspeakers() {
  window.loudspeakers = 8;
  window.outputs = [];
  Object.defineProperties(AudioDestinationNode.prototype, {
    maxChannelCount: { get: () => window.loudspeakers },
    channelCount: { set: (channels) => (window.spread = channels) },
  });
  const Node = AudioWorkletNode;
  window.AudioWorkletNode = class extends Node {
    constructor(context, name, options) {
      super(context, name, options);
      window.outputs.push(...options.outputChannelCount);
    }
  };
}

test("with other loudspeakers the same rendition is folded for them", async () => {
  const page = await play("8", { script: loudspeakers });
  await holds(page, () => window.outputs.join() === "8" && window.spread === 8);
  await page.evaluate(() => {
    window.loudspeakers = 2;
    navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
  });
  await holds(page, () => window.outputs.join() === "8,6" && window.spread === 2);
  await holds(page, () => window.__goggles.sound.metrics?.played > 100);
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
  await sing(page, "audio0", 440, { loss: 10 });
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

test("a page that loses packets reads them repeated, and then misses none", async () => {
  // The page's policy knows no other workers than its own.
  const page = await play("2", { script: `(${lossyWorkers})(5, ${lossy})`, bypassCSP: true });
  // Read plainly, every fifth is made up.
  await holds(page, () => window.__goggles.sound.metrics?.concealed >= 3);
  await page.evaluate(() => {
    window.whole = { from: 0, concealed: 0 };
  });
  // A busy machine makes holes, too; but a hundred are played without any, which is five times what would be then.
  await holds(page, () => {
    const { played, concealed } = window.__goggles.sound.metrics;
    if (concealed !== window.whole.concealed) window.whole = { from: played, concealed };
    return played - window.whole.from >= 100;
  });
});

test("what is lost for good moves nothing", async () => {
  const page = await play();
  await sing(page, "audio0", 440, { loss: 5, repeated: false, beat: true });
  await page.evaluate(() => {
    const { sound } = window.__goggles;
    window.beats = [];
    let loud = Number.NEGATIVE_INFINITY;
    sound.tap((us, usPerFrame, [left]) => {
      left.forEach((sample, n) => {
        if (Math.abs(sample) < 0.3) return;
        const at = us + n * usPerFrame;
        // How far it is from a whole second, in ms; to be heard at that and the delay.
        const late = (((at - sound.metrics.delay + 500_000) % 1e6) - 500_000) / 1000;
        if (at - loud > 500_000) window.beats.push(late);
        loud = at;
      });
    });
  });
  // Forty packets a second are lost: a decoder that counts what it gets would be 200 ms earlier with each beat.
  await holds(page, () => window.beats.length >= 4 && window.beats.slice(-4).every((late) => Math.abs(late) < 80));
});

test("a page that may share no memory hears as well", async () => {
  const page = await play("2", { isolated: false });
  assert.ok(!(await page.evaluate(() => crossOriginIsolated)));
  await hears(page, PITCHES.slice(0, 2));
});

test("each beep has its flash", async () => {
  const page = await play("beeps");
  await page.evaluate(() => {
    const { sound } = window.__goggles;
    window.flashes = [];
    window.beeps = [];
    let [loud, white] = [Number.NEGATIVE_INFINITY, true];
    sound.tap((us, usPerFrame, [left]) => {
      left.forEach((sample, n) => {
        if (Math.abs(sample) < 0.2) return;
        const at = us + n * usPerFrame;
        // When it was made, were it heard at its time.
        if (at - loud > 100_000) window.beeps.push(at - (sound.metrics?.delay ?? 0));
        loud = at;
      });
    });
    window.__goggles.onframe = ({ ptsUs, yuv: [luma] }) => {
      if (luma > 128 && !white) window.flashes.push(ptsUs);
      white = luma > 128;
    };
  });
  // They are half a second apart; how near a beep and its flash are is measured by the bench.
  await holds(page, () => {
    const apart = (flash) => Math.min(...window.beeps.map((beep) => Math.abs(beep - flash)));
    return window.flashes.filter((flash) => apart(flash) < 150_000).length >= 6;
  });
});

test("the statistics say how the sound is", async () => {
  const page = await play("2");
  await holds(page, () => window.__goggles.sound.metrics?.played > 100);
  await page.keyboard.press("Control+Alt+Shift+KeyS");
  const says = (pattern) =>
    holds(page, (pattern) => new RegExp(pattern).test(document.getElementById("stats").innerText), pattern);
  await says("sound [0-9.]+ ms after the game, ([0-9.]+|–) ms (after|before) the picture\n");
  await says("buffer [0-9.]+ ms, drift -?[0-9.]+ ms, -?[0-9]+ ppm\n");
  await says("[0-9]+ packets missing, [0-9]+ concealed, [0-9]+ late\n[0-9]+ drifts over 2 ms, [0-9]+ jumps");
  await shot(page, "statistics-sound");
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
  await shot(page, "sound-320");
});
