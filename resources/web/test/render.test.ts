/** What the player's decisions sound like in the page's hands. */

import assert from "node:assert/strict";
import test from "node:test";
import { Renderer } from "../src/audio/render";
import type { Metrics } from "../src/audio/player";
import { Slots } from "../src/audio/slots";
import { Stretch } from "../src/audio/stretch";

const HZ = 441;
/** The tone's own steepest step, with some allowance for what a fade adds. */
const SMOOTH = ((0.5 * HZ * 2 * Math.PI) / 48_000) * 1.5;

const tone = (n: number): number => Math.sin((n * HZ * 2 * Math.PI) / 48_000) * 0.5;

/** Plays four seconds of packets that come 8 ms after their time stamp; `clock` gives the ear's time of a frame. */
function play(lost: (n: number) => boolean, clock: (frame: number) => number): { heard: Float32Array; renderer: Renderer } {
  const slots = new Slots(2, new SharedArrayBuffer(Slots.bytes(2)));
  const renderer = new Renderer(slots, () => undefined);
  const heard = new Float32Array(128 * 1_500);
  const second = new Float32Array(128);
  for (let quantum = 0, sent = 0; quantum < 1_500; quantum++) {
    const [frame, at] = [quantum * 128, clock(quantum * 128)];
    for (; sent * 5_000 + 8_000 <= at; sent++) {
      const first = sent * 240;
      const fill = (channel: number, place: Float32Array): void =>
        place.forEach((_, n) => (place[n] = tone(first + n) / (channel + 1)));
      if (!lost(sent)) slots.write({ pts: sent * 5_000, number: sent }, 240, fill);
    }
    renderer.render({ frame, us: at, usPerFrame: 1e6 / 48_000 }, frame, at / 1000, [heard.subarray(frame, frame + 128), second]);
    const [one, two] = [heard[frame + 64]!, second[64]!];
    assert.ok(Math.abs(one / 2 - two) < 1e-6, "channels stay what they are");
  }
  return { heard, renderer };
}

function steepest(heard: Float32Array): number {
  return heard.reduce((most, sample, n) => Math.max(most, n > 0 ? Math.abs(sample - heard[n - 1]!) : 0), 0);
}

const plain = (frame: number): number => (frame * 1e6) / 48_000;

test("a tone is played as it was", () => {
  const { heard, renderer } = play(() => false, plain);
  const { concealed, late, resyncs, played } = renderer.metrics!;
  assert.deepEqual([concealed, late, resyncs], [0, 0, 0]);
  assert.ok(played > 750, String(played));
  assert.ok(steepest(heard) <= SMOOTH, String(steepest(heard)));
  const power = heard.subarray(96_000, 144_000).reduce((sum, s) => sum + s * s, 0) / 48_000;
  assert.ok(Math.abs(Math.sqrt(power) - 0.5 / Math.SQRT2) < 0.005, String(Math.sqrt(power)));
});

test("a lost packet is made up for without a click", () => {
  const { heard, renderer } = play((n) => n > 200 && n % 50 === 0, plain);
  assert.ok(renderer.metrics!.concealed >= 10);
  assert.ok(steepest(heard) <= SMOOTH, String(steepest(heard)));
  for (let from = 48_000; from < heard.length; from += 240) {
    const loudest = Math.max(...heard.subarray(from, from + 240).map(Math.abs));
    assert.ok(loudest > 0.35, `${loudest} at ${from}`);
  }
});

test("a jump is faded over", () => {
  const { heard, renderer } = play(
    () => false,
    (frame) => plain(frame) + (frame > 96_000 ? 50_000 : 0),
  );
  assert.equal(renderer.metrics!.resyncs, 1);
  assert.ok(steepest(heard) <= SMOOTH, String(steepest(heard)));
  assert.ok(Math.abs(renderer.metrics!.drift) < 1_000);
});

/** Plays so many seconds of packets of `ms`, the way of which stands still at the end of each second; the figures of the last half. */
function stalled(ms: number, stallMs: number, seconds = 60): { metrics: Metrics; played: number } {
  const slots = new Slots(1, new SharedArrayBuffer(Slots.bytes(1)));
  const renderer = new Renderer(slots, () => undefined);
  renderer.setRoundTrip(100_000);
  const out = new Float32Array(128);
  let half = 0;
  for (let quantum = 0, sent = 0; quantum < seconds * 375; quantum++) {
    const [frame, at] = [quantum * 128, plain(quantum * 128)];
    const stands = at % 1e6 > 1e6 - stallMs * 1000;
    for (; !stands && (sent + 1) * ms * 1000 + 5_000 <= at; sent++) {
      slots.write({ pts: sent * ms * 1000, number: sent }, ms * 48, (_, place) => place.fill(0.1));
    }
    renderer.render({ frame, us: at, usPerFrame: 1e6 / 48_000 }, frame, at / 1000, [out]);
    if (quantum === (seconds / 2) * 375) half = renderer.metrics!.played;
  }
  const { metrics } = renderer;
  assert.ok(metrics);
  return { metrics, played: metrics.played - half };
}

test("what comes all at once after a stall of the way is waited for", () => {
  for (const [ms, stallMs] of [[5, 130], [2.5, 80], [10, 150]] as const) {
    const { metrics, played } = stalled(ms, stallMs);
    const sent = 30_000 / ms;
    assert.ok(played > sent * 0.995, `${played} of ${sent} after stalls of ${stallMs} ms: ${JSON.stringify(metrics)}`);
    assert.ok(metrics.delay > stallMs * 1000, String(metrics.delay));
  }
});

test("what came before anything was asked for is over", () => {
  const slots = new Slots(1, new SharedArrayBuffer(Slots.bytes(1)));
  const renderer = new Renderer(slots, () => undefined);
  let sent = 0;
  const send = (): void => slots.write({ pts: sent * 5_000, number: sent++ }, 240, (_, place) => place.fill(0.1));
  while (sent < 1_000) send();
  const out = new Float32Array(128);
  for (let quantum = 0; quantum < 375; quantum++) {
    const [frame, at] = [quantum * 128, 5_005_000 + plain(quantum * 128)];
    while (sent * 5_000 + 10_000 <= at) send();
    renderer.render({ frame, us: at, usPerFrame: 1e6 / 48_000 }, frame, at / 1000, [out]);
  }
  const { played, missing, delay } = renderer.metrics!;
  assert.ok(played > 190 && missing === 0 && delay < 30_000, JSON.stringify(renderer.metrics));
});

test("stretching keeps the tone and the time", () => {
  for (const speed of [0.995, 0.9998, 1, 1.0002, 1.005]) {
    const stretch = new Stretch(1);
    const heard = new Float32Array(100_000);
    let made = 0;
    for (let n = 0; n < 400; n++) {
      const block = Float32Array.from({ length: 240 }, (_, i) => tone(n * 240 + i));
      stretch.push([block], 240, speed);
      while (stretch.ready > 0) made += stretch.pop([heard], made, stretch.ready);
    }
    assert.ok(Math.abs(made - 96_000 / speed) <= 2, `${made} at ${speed}`);
    assert.ok(steepest(heard.subarray(0, made)) <= SMOOTH, `${steepest(heard.subarray(0, made))} at ${speed}`);
  }
});
