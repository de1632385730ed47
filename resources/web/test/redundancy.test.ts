/** When the page asks for redundant sound. */

import assert from "node:assert/strict";
import test from "node:test";
import { Redundancy, Seen } from "../src/audio/redundancy";

const SECOND = 1_000_000;

test("three packets missing within ten seconds ask for redundancy, a minute of quiet ends it", () => {
  const redundancy = new Redundancy();
  assert.equal(redundancy.wanted(0, 0), false);
  assert.equal(redundancy.wanted(1 * SECOND, 2), false);
  // The first two are forgotten by then.
  assert.equal(redundancy.wanted(12 * SECOND, 3), false);
  assert.equal(redundancy.wanted(13 * SECOND, 5), true);
  assert.equal(redundancy.wanted(60 * SECOND, 5), true);
  redundancy.helped(70 * SECOND);
  assert.equal(redundancy.wanted(125 * SECOND, 5), true);
  assert.equal(redundancy.wanted(131 * SECOND, 5), false);
});

test("a new player counts from zero", () => {
  const redundancy = new Redundancy();
  assert.equal(redundancy.wanted(0, 100), true);
  assert.equal(redundancy.wanted(100 * SECOND, 0), false);
  assert.equal(redundancy.wanted(101 * SECOND, 2), false);
  assert.equal(redundancy.wanted(102 * SECOND, 3), true);
});

test("each packet once", () => {
  const seen = new Seen();
  assert.ok(seen.first(5));
  assert.ok(!seen.first(5));
  for (let pts = 10; pts < 300; pts++) assert.ok(seen.first(pts));
  assert.ok(!seen.first(299));
});
