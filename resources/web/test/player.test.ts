/** The page's player against the vectors that viewer/tests/vectors.rs makes. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { Device, heardAt } from "../src/audio/device";
import { type Block, Player } from "../src/audio/player";
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

test("what is played when", () => {
  const player = new Player(vectors.frame);
  player.setRoundTrip(vectors.round_trip);
  let compared = 0;
  for (const [kind, at, ...rest] of vectors.player) {
    if (kind === "arrived") {
      const [pts, fate] = rest;
      assert.equal(player.arrived(at, pts), fate, `packet ${pts}`);
      continue;
    }
    if (kind === "slipped") {
      player.slipped();
      continue;
    }
    if (kind === "stood") {
      player.stoodStill(at);
      continue;
    }
    const block = player.pull(at);
    const [expected, metrics] = rest;
    if (!expected) continue;
    compared++;
    same(block, expected, at);
    for (const [name, value] of Object.entries(player.metrics)) near(value, metrics[name], `${name} at ${at}`);
  }
  assert.ok(compared > 150, String(compared));
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
