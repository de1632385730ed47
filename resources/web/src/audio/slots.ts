/**
 * Decoded packets on their way to the audio thread: a ring of slots in one buffer, which both threads see where the page
 * is isolated. One writes, one reads; neither waits.
 */

/** Packets that fit; a packet's place is its number modulo this. */
const SLOTS = 256;
/** The longest packet, in frames: 20 ms. */
export const MAX_FRAMES = 960;
/** Before the samples: the number of packets written, then for each slot its time stamp (µs) and frames. */
const HEAD = 8;

export class Slots {
  readonly buffer: ArrayBufferLike;
  readonly channels: number;
  readonly #written: Int32Array;
  readonly #pts: Float64Array;
  readonly #frames: Int32Array;
  readonly #samples: Float32Array;

  /** On a new buffer, or on the other thread's. */
  constructor(channels: number, buffer: ArrayBufferLike) {
    this.buffer = buffer;
    this.channels = channels;
    this.#written = new Int32Array(buffer, 0, 1);
    this.#pts = new Float64Array(buffer, HEAD, SLOTS);
    this.#frames = new Int32Array(buffer, HEAD + SLOTS * 8, SLOTS);
    this.#samples = new Float32Array(buffer, HEAD + SLOTS * 12);
  }

  /** How many bytes the buffer must have. */
  static bytes(channels: number): number {
    return HEAD + SLOTS * 12 + SLOTS * channels * MAX_FRAMES * 4;
  }

  /** Writes a packet: `fill` is given the place of each channel's samples. Longer ones than a slot are cut. */
  write(pts: number, frames: number, fill: (channel: number, place: Float32Array) => void): void {
    const number = this.written;
    const slot = number % SLOTS;
    const count = Math.min(frames, MAX_FRAMES);
    this.#pts[slot] = pts;
    this.#frames[slot] = count;
    for (let c = 0; c < this.channels; c++) fill(c, this.#plane(slot, c, count));
    // Whoever sees the new number sees the samples.
    Atomics.store(this.#written, 0, number + 1);
  }

  /** How many were written since the beginning. */
  get written(): number {
    return Atomics.load(this.#written, 0);
  }

  /** The time stamp of packet number `number`. */
  pts(number: number): number {
    return this.#pts[number % SLOTS]!;
  }

  /** Its length in frames. */
  frames(number: number): number {
    return this.#frames[number % SLOTS]!;
  }

  /** Its samples of a channel; not a copy. */
  plane(number: number, channel: number): Float32Array {
    return this.#plane(number % SLOTS, channel, this.frames(number));
  }

  #plane(slot: number, channel: number, frames: number): Float32Array {
    const at = (slot * this.channels + channel) * MAX_FRAMES;
    return this.#samples.subarray(at, at + frames);
  }
}
