/** The page's player against the vectors that viewer/tests/vectors.rs makes. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { Concealer } from "../src/audio/conceal";
import { Device, heardAt } from "../src/audio/device";
import { type Block, Player } from "../src/audio/player";
import { Redundancy } from "../src/audio/redundancy";
import { Stalls } from "../src/audio/stalls";

/** Where the vectors are; the bundler puts it here. */
declare const VECTORS: string;

const vectors = JSON.parse(readFileSync(join(VECTORS, "audio-player.json"), "utf8"));

/** Equal but for the last digits: sums may be made in another order. */
function near(actual: number, expected: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= 1e-6 * Math.max(1, Math.abs(expected)), `${what}: ${actual}, not ${expected}`);
}

function same(block: Block, expected: any, at: number): void {
  const { sound, event } = block;
  assert.equal(sound.kind, expected.sound[0], `sound at ${at}`);
  if (sound.kind === "packet") {
    assert.equal(sound.pts, expected.sound[1], `packet at ${at}`);
    near(sound.skip, expected.sound[2], `skip at ${at}`);
  }
  assert.equal(event?.kind, expected.event?.[0], `event at ${at}`);
  assert.equal(block.fade, expected.fade, `fade at ${at}`);
  near(block.us, expected.us, `length at ${at}`);
  near(block.speed, expected.speed, `speed at ${at}`);
}

for (const { frame, steps } of vectors.players) {
  test(`what is played when, in packets of ${frame} µs`, () => {
    const player = new Player(frame);
    let compared = 0;
    for (const [kind, at, ...rest] of steps) {
      if (kind === "arrived") {
        const [pts, number, fate] = rest;
        assert.equal(player.arrived(at, pts, number), fate, `packet ${pts}`);
      } else if (kind === "slipped") player.slipped();
      else if (kind === "stood") player.stoodStill(at);
      else if (kind === "round_trip") player.setRoundTrip(at);
      else {
        const block = player.pull(at);
        const [expected, metrics] = rest;
        if (!expected) continue;
        compared++;
        same(block, expected, at);
        for (const [name, value] of Object.entries(player.metrics)) near(value, metrics[name], `${name} at ${at}`);
      }
    }
    assert.ok(compared > 150, String(compared));
  });
}

test("what is made up", () => {
  for (const { channels, heard, made } of vectors.conceal) {
    const planes = Array.from({ length: channels }, (_, c) =>
      Float32Array.from({ length: heard.length / channels }, (_, n) => heard[n * channels + c] / 32_768),
    );
    const concealer = new Concealer(channels);
    const part = (from: number, to?: number): Float32Array[] => planes.map((plane) => plane.subarray(from, to));
    concealer.heard(part(0, 700), 700);
    concealer.heard(part(700), planes[0]!.length - 700);
    const out = Array.from({ length: channels }, () => new Float32Array(3_000));
    for (let at = 0; at < 3_000; at += 240) {
      concealer.goOn(
        out.map((plane) => plane.subarray(at)),
        Math.min(240, 3_000 - at),
      );
    }
    for (const [n, samples] of made) out.forEach((plane, c) => near(plane[n]!, samples[c], `frame ${n} of ${channels}`));
  }
});

test("when redundancy is wanted", () => {
  const redundancy = new Redundancy();
  for (const [kind, now, count, wanted] of vectors.redundancy) {
    if (kind === "helped") redundancy.helped(now);
    else assert.equal(redundancy.wanted(now, count), wanted, `at ${now}`);
  }
});

test("a device's clock", () => {
  const device = new Device();
  for (const { add, frame, at, steps } of vectors.device) {
    device.add(add[0], add[1]);
    assert.ok(device.line);
    near(heardAt(device.line, frame), at, `frame ${frame}`);
    assert.equal(device.steps, steps);
  }
});

test("when the audio thread stood still", () => {
  const stalls = new Stalls();
  let count = 0;
  for (const [now, stalled] of vectors.stalls) {
    assert.equal(stalls.step(now), stalled, `at ${now}`);
    if (stalled) count++;
  }
  assert.ok(count > 8, String(count));
});
