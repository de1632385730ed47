/** The sound's way through a decoder that, as Chromium's, counts samples and forgets time stamps. */

import assert from "node:assert/strict";
import test, { afterEach, beforeEach } from "node:test";
import { Decoding } from "../src/audio/decoding";
import type { Packet } from "../src/audio/packet";
import { type Place, Slots } from "../src/audio/slots";

/** Samples that tell which packet they are of: its second byte. */
class Counting {
  static made = 0;
  state = "unconfigured";
  #clock: number | undefined;
  readonly #output: (data: unknown) => void;
  readonly #error: (error: Error) => void;

  constructor({ output, error }: { output: (data: unknown) => void; error: (error: Error) => void }) {
    Counting.made++;
    this.#output = output;
    this.#error = error;
  }

  configure(): void {
    this.state = "configured";
  }

  close(): void {
    this.state = "closed";
  }

  decode({ timestamp, data }: { timestamp: number; data: Uint8Array }): void {
    if (data[1] === 255) return this.#error(new Error("no Opus"));
    const frames = { 28: 120, 29: 240, 30: 480 }[data[0]! >> 3]!;
    this.#clock ??= timestamp;
    const at = this.#clock;
    this.#clock += Math.round((frames * 1e6) / 48_000);
    const copyTo = (place: Float32Array): unknown => place.fill(data[1]!);
    this.#output({ timestamp: at, numberOfFrames: frames, numberOfChannels: 2, copyTo, close: () => undefined });
  }
}

const globals = globalThis as Record<string, unknown>;

beforeEach(() => {
  Counting.made = 0;
  globals["AudioDecoder"] = Counting;
  globals["EncodedAudioChunk"] = class {
    constructor(init: object) {
      Object.assign(this, init);
    }
  };
});

afterEach(() => {
  delete globals["AudioDecoder"];
  delete globals["EncodedAudioChunk"];
});

const config = { name: "audio0", codec: "opus", sampleRate: 48_000, channels: 2, description: undefined };

/** Of 5 ms unless `toc` says otherwise. */
function packet(pts: number, content: number, toc = 29): Packet {
  return { pts, number: content, data: Uint8Array.of(toc << 3, content) };
}

interface Heard {
  pts: number;
  number: number;
  frames: number;
  content: number;
}

function decoding(): { decoding: Decoding; heard(): Heard[]; told: string[] } {
  const told: string[] = [];
  const buffer = new SharedArrayBuffer(Slots.bytes(2));
  const slots = new Slots(2, buffer);
  const made = new Decoding(config, { buffer }, { onHelped: () => told.push("helped"), onFailed: (why) => told.push(why) });
  const heard = (): Heard[] =>
    Array.from({ length: slots.written }, (_, n) => ({
      pts: slots.pts(n),
      number: slots.number(n),
      frames: slots.frames(n),
      content: slots.plane(n, 1)[7]!,
    }));
  return { decoding: made, heard, told };
}

test("lost packets don't move those that come", () => {
  const { decoding: one, heard } = decoding();
  const sent = Array.from({ length: 200 }, (_, n) => packet(1_000_000 + n * 5_000, n)).filter((_, n) => n % 7 !== 3);
  for (const each of sent) one.packets(each, []);
  assert.deepEqual(
    heard().map(({ pts, content }) => [pts, content]),
    sent.map(({ pts, data }) => [pts, data[1]]),
  );
  assert.equal(Counting.made, 1);
});

test("what overtakes another keeps its time", () => {
  const { decoding: one, heard } = decoding();
  for (const n of [0, 2, 1, 4, 3]) one.packets(packet(n * 5_000, n), []);
  assert.ok(heard().every(({ pts, number, content }) => pts === content * 5_000 && number === content));
  assert.equal(heard().length, 5);
});

test("what is repeated is decoded once, and told if it helped", () => {
  const { decoding: one, heard, told } = decoding();
  const all = Array.from({ length: 6 }, (_, n) => packet(n * 5_000, n));
  for (const n of [0, 1, 3, 4]) one.packets(all[n]!, n > 1 ? [all[n - 2]!, all[n - 1]!] : []);
  assert.deepEqual(
    heard().map(({ content }) => content),
    [0, 1, 2, 3, 4],
  );
  assert.deepEqual(told, ["helped"]);
});

test("packets of another length have a decoder of their own", () => {
  const { decoding: one, heard } = decoding();
  const sent = [packet(0, 1), packet(5_000, 2), packet(10_000, 3, 30), packet(20_000, 4, 30), packet(30_000, 5, 28)];
  for (const each of sent) one.packets(each, []);
  assert.deepEqual(
    heard().map(({ pts, frames }) => [pts, frames]),
    [[0, 240], [5_000, 240], [10_000, 480], [20_000, 480], [30_000, 120]],
  );
  assert.equal(Counting.made, 3);
});

test("a decoder's failure is told once, and nothing is decoded any more", () => {
  const { decoding: one, heard, told } = decoding();
  for (const [n, content] of [1, 255, 2, 255].entries()) one.packets(packet(n * 5_000, content), []);
  assert.deepEqual(told, ["no Opus"]);
  assert.equal(heard().length, 1);
});

test("without shared memory packets go by the port", async () => {
  const { port1, port2 } = new MessageChannel();
  const one = new Decoding(config, { port: port1 }, { onHelped: () => undefined, onFailed: assert.fail });
  const came = new Promise<{ place: Place; planes: Float32Array[] }>((resolve) => {
    port2.onmessage = ({ data }) => resolve(data);
  });
  one.packets(packet(7_000, 9), []);
  const { place, planes } = await came;
  assert.deepEqual(place, { pts: 7_000, number: 9 });
  assert.deepEqual(
    planes.map((plane) => [plane.length, plane[239]]),
    [[240, 9], [240, 9]],
  );
  port1.close();
  port2.close();
});
