/** The other pure parts: time lines, clock, base64url, catalog, backing off. */

import assert from "node:assert/strict";
import test from "node:test";
import { fromBase64Url, toBase64Url } from "../src/base64url";
import { Estimator } from "../src/clock";
import { backoff } from "../src/backoff";
import { contentFacts, videoConfig } from "../src/catalog";
import { percentile, spreads, TimeLine } from "../src/timeline";
import type { Times } from "../src/wire/datagram";

function times(frame: number, ptsUs: number): Times {
  const at = ptsUs + 1000;
  return {
    kind: "times",
    frame,
    ptsUs,
    commit: at,
    latch: at + 100,
    rendered: at + 100,
    encodeStart: at + 200,
    converted: at + 500,
    encoded: at + 3000,
    sent: at + 3100,
    key: false,
    bytes: 1000,
  };
}

test("a frame is reported once, when both ends have spoken, in either order", () => {
  const line = new TimeLine();
  line.received(10, 5000, 1000, true);
  line.decoded(10, 6000);
  assert.equal(line.painted(10, 7000), undefined);
  assert.equal(line.times(times(1, 10))?.times?.frame, 1);
  assert.equal(line.times(times(1, 10)), undefined);
  assert.equal(line.times(times(2, 20)), undefined);
  line.received(20, 6000, 1000, false);
  assert.equal(line.painted(20, 8000)?.times?.frame, 2);
  assert.equal(line.receivedAt(20), 6000);
  assert.equal(line.recent(8000).length, 2);
  assert.equal(line.recent(8000, 2500).length, 1);
});

test("old frames are forgotten", () => {
  const line = new TimeLine();
  for (let i = 0; i < 5000; i++) line.received(i, i + 1, 1, false);
  assert.equal(line.recent(0).length, 1024);
  assert.equal(line.receivedAt(0), 0);
});

test("stages add up to the total", () => {
  const line = new TimeLine();
  const offset = 500;
  for (let i = 0; i < 20; i++) {
    line.times(times(i + 1, i * 100));
    line.received(i * 100, i * 100 + 1000 + 3600 - offset, 1000, false);
    line.decoded(i * 100, i * 100 + 1000 + 5000 - offset);
    line.painted(i * 100, i * 100 + 1000 + 5500 - offset);
  }
  const found = new Map(spreads(line.recent(10_000), offset).map((s) => [s.stage, s.p50]));
  assert.equal(found.get("total"), 5.5);
  assert.equal(found.get("network"), 0.5);
  assert.equal(found.get("encode"), 2.5);
  const sum = [...found].filter(([stage]) => stage !== "total").reduce((all, [, p50]) => all + p50, 0);
  assert.ok(Math.abs(sum - 5.5) < 1e-9);
});

test("percentiles by nearest rank", () => {
  assert.equal(percentile([5, 1, 3, 2, 4], 50), 3);
  assert.equal(percentile([1, 2, 3, 4], 95), 4);
  assert.ok(Number.isNaN(percentile([], 50)));
});

test("the clock: five pings fast, then one a second; the least round trip is believed", () => {
  const clock = new Estimator();
  const sent: number[] = [];
  for (let now = 0; now <= 3_000_000; now += 1000) if (clock.poll(now)) sent.push(now);
  assert.deepEqual(sent, [0, 50_000, 100_000, 150_000, 200_000, 1_200_000, 2_200_000]);
  const fresh = new Estimator();
  assert.equal(fresh.offset(0), undefined);
  fresh.poll(0);
  assert.ok(fresh.onPong(10_000, { t0: 0, t1: 1_009_000, t2: 1_009_000 }));
  fresh.poll(50_000);
  assert.ok(fresh.onPong(51_000, { t0: 50_000, t1: 1_050_500, t2: 1_050_500 }));
  assert.equal(fresh.offset(51_000), 1_000_000);
  assert.ok(!fresh.onPong(52_000, { t0: 50_000, t1: 1_050_500, t2: 1_050_500 }), "answered already");
});

test("base64url", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  for (const length of [0, 1, 2, 3, 32, 65, 256]) {
    const text = toBase64Url(bytes.subarray(0, length));
    assert.match(text, /^[A-Za-z0-9_-]*$/);
    assert.deepEqual(fromBase64Url(text), bytes.slice(0, length));
  }
});

test("the catalog's video", () => {
  const rendition = { codec: "avc3.640020", codedWidth: 1280, codedHeight: 720, container: { kind: "legacy" } };
  const catalog = { video: { renditions: { video: rendition } } };
  assert.deepEqual(videoConfig(catalog), { codec: "avc3.640020", width: 1280, height: 720 });
  for (const bad of [null, 5, {}, { video: null }, { video: { renditions: { other: rendition } } }]) {
    assert.equal(videoConfig(bad), undefined);
  }
});

test("what the game says of its picture", () => {
  for (const nothing of [undefined, {}, { goggles: 5 }, { goggles: { color: "constructor", content: 7, tearing: "yes" } }]) {
    assert.deepEqual(contentFacts(nothing), ["sRGB", "vsync"]);
  }
  const all = { color: "bt2020-pq", content: "game", tearing: true };
  assert.deepEqual(contentFacts({ goggles: all }), ["BT.2020 PQ (encoded as sRGB)", "game", "async"]);
  assert.deepEqual(contentFacts({ goggles: { color: "srgb", content: "video" } }), ["sRGB", "video", "vsync"]);
});

test("attempts get rarer, up to five seconds", () => {
  const waits = Array.from({ length: 12 }, (_, i) => backoff(i, 1));
  assert.deepEqual(waits.slice(0, 6), [250, 500, 1000, 2000, 4000, 5000]);
  assert.equal(waits.at(-1), 5000);
  assert.equal(backoff(0, 0), 187.5);
});
