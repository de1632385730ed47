/** When the input sender sends; what is in the batches is held by the shared vectors. */

import assert from "node:assert/strict";
import test from "node:test";
import { Sender } from "../src/input/sender";

const A = 30;
const LEFT = 0x110;

/** The times at which the sender sends up to `until`, if it is polled at its deadlines. */
function times(sender: Sender, until: number): number[] {
  const sent: number[] = [];
  for (;;) {
    const at = sender.deadline();
    if (at === undefined || at > until) return sent;
    if (sender.poll(at)) sent.push(at);
  }
}

function ack(batch: number, edge: number): { kind: "ack"; epoch: number; batch: number; edge: number } {
  return { kind: "ack", epoch: 7, batch, edge };
}

test("a press goes at once, after 4 ms, and then every 8 ms while it is held", () => {
  const sender = new Sender(7);
  sender.key(1000, A, true);
  assert.deepEqual(times(sender, 40_000), [1000, 5000, 13_000, 21_000, 29_000, 37_000]);
});

test("auto-repeat is no edge; a code that the wire can't carry is ignored", () => {
  const sender = new Sender(7);
  sender.key(0, A, true);
  sender.key(1, A, true);
  sender.key(2, 300, true);
  const batch = sender.poll(2);
  assert.equal(batch?.edgeSeq, 1);
  assert.deepEqual(batch?.held.list(), [A]);
});

test("quiet when all is acknowledged and nothing is held", () => {
  const sender = new Sender(7);
  sender.key(0, A, true);
  sender.key(100, A, false);
  const batch = sender.poll(100);
  assert.deepEqual(
    batch?.edges.map((e) => [e.pressed, e.age]),
    [
      [true, 100],
      [false, 0],
    ],
  );
  sender.onAck(2000, ack(1, 2));
  assert.equal(sender.deadline(), undefined);
  assert.equal(sender.poll(1_000_000), undefined);
});

test("motion alone at most once a millisecond, an edge at once", () => {
  const sender = new Sender(7);
  sender.relative(0, 1, 0);
  assert.ok(sender.poll(0));
  sender.relative(125, 1, 0);
  assert.equal(sender.poll(125), undefined);
  assert.equal(sender.deadline(), 1000);
  sender.key(250, LEFT, true);
  const batch = sender.poll(250);
  assert.equal(batch?.place.motionX, 512);
  assert.equal(batch?.edges[0]?.place?.motionX, 512);
});

test("what is less than 1/256 is carried over", () => {
  const sender = new Sender(7);
  for (let i = 0; i < 1000; i++) sender.relative(0, 0.001, -0.001);
  const place = sender.poll(0)?.place;
  assert.ok(Math.abs((place?.motionX ?? 0) - 256) <= 1, String(place?.motionX));
  assert.ok(Math.abs((place?.motionY ?? 0) + 256) <= 1, String(place?.motionY));
});

test("a silent server is spoken to less often", () => {
  const sender = new Sender(7);
  sender.key(0, A, true);
  const sent = times(sender, 2_000_000);
  const gaps = sent.slice(1).map((at, i) => at - (sent[i] ?? 0));
  assert.equal(gaps.at(-1), 100_000);
  assert.ok(sent.length < 150, String(sent.length));
});

test("blur lets all go, as edges; a reset is a new epoch", () => {
  const sender = new Sender(7);
  sender.key(0, LEFT, true);
  sender.key(0, A, true);
  sender.blur(10);
  const batch = sender.poll(10);
  assert.deepEqual(
    batch?.edges.slice(2).map((e) => [e.code, e.pressed]),
    [
      [A, false],
      [LEFT, false],
    ],
  );
  assert.equal(sender.holds, false);
  sender.reset(20);
  const first = sender.poll(20);
  assert.deepEqual([first?.epoch, first?.seq, first?.edgeSeq, first?.edges.length], [8, 1, 0, 0]);
  sender.onAck(30, ack(1, 0));
  assert.notEqual(sender.deadline(), undefined, "an acknowledgement of another epoch says nothing");
});
