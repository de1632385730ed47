/**
 * Decoded packets on their way to the audio thread: a ring of slots in one buffer, which both threads see where the page
 * is isolated. One writes, one reads; neither waits.
 */

import type { Packet } from "./packet";

/** Packets that fit; a packet's place is how many were written before it, modulo this. */
export const SLOTS = 256;
/** The longest packet, in frames: 20 ms. */
export const MAX_FRAMES = 960;
/** Before the samples: how many packets were written, then for each slot its time stamp (µs), its number and its frames. */
const HEAD = 8;
const EACH = 20;

/** Which packet it is. */
export type Place = Pick<Packet, "pts" | "number">;

export class Slots {
  readonly buffer: ArrayBufferLike;
  readonly channels: number;
  readonly #written: Int32Array;
  readonly #pts: Float64Array;
  readonly #numbers: Float64Array;
  readonly #frames: Int32Array;
  readonly #samples: Float32Array;

  /** On a new buffer, or on the other thread's. */
  constructor(channels: number, buffer: ArrayBufferLike) {
    this.buffer = buffer;
    this.channels = channels;
    this.#written = new Int32Array(buffer, 0, 1);
    this.#pts = new Float64Array(buffer, HEAD, SLOTS);
    this.#numbers = new Float64Array(buffer, HEAD + SLOTS * 8, SLOTS);
    this.#frames = new Int32Array(buffer, HEAD + SLOTS * 16, SLOTS);
    this.#samples = new Float32Array(buffer, HEAD + SLOTS * EACH);
  }

  /** How many bytes the buffer must have. */
  static bytes(channels: number): number {
    return HEAD + SLOTS * EACH + SLOTS * channels * MAX_FRAMES * 4;
  }

  /** Writes a packet by its time stamp and number: `fill` is given the place of each channel's samples. Longer ones than a slot are cut. */
  write({ pts, number }: Place, frames: number, fill: (channel: number, place: Float32Array) => void): void {
    const written = this.written;
    const slot = written % SLOTS;
    const count = Math.min(frames, MAX_FRAMES);
    this.#pts[slot] = pts;
    this.#numbers[slot] = number;
    this.#frames[slot] = count;
    for (let c = 0; c < this.channels; c++) fill(c, this.#plane(slot, c, count));
    // Whoever sees the new number sees the samples.
    Atomics.store(this.#written, 0, written + 1);
  }

  /** How many were written since the beginning. */
  get written(): number {
    return Atomics.load(this.#written, 0);
  }

  /** The time stamp of the packet before which `index` were written. */
  pts(index: number): number {
    return this.#pts[index % SLOTS]!;
  }

  /** The number that it was sent with. */
  number(index: number): number {
    return this.#numbers[index % SLOTS]!;
  }

  /** Its length in frames. */
  frames(index: number): number {
    return this.#frames[index % SLOTS]!;
  }

  /** Its samples of a channel; not a copy. */
  plane(index: number, channel: number): Float32Array {
    return this.#plane(index % SLOTS, channel, this.frames(index));
  }

  #plane(slot: number, channel: number, frames: number): Float32Array {
    const at = (slot * this.channels + channel) * MAX_FRAMES;
    return this.#samples.subarray(at, at + frames);
  }
}
