/**
 * Plays a little faster or slower, by slipping a sample now and then: a whole chunk is copied but for one sample that is
 * dropped or doubled, hidden by a crossfade. Owns what is left of a chunk. The native player has rubato's `Slip` for this.
 */

/** Frames that are stretched at once; one of them may be slipped in each, which is 8000 ppm. */
const CHUNK = 120;
/** Where in the chunk the crossfade begins, and how long it is. */
const FADE_AT = 30;
const FADE = 60;
/** What the output holds at most, in frames. */
const ROOM = 2048;

/** Takes and gives planes of samples, one for each channel. */
export class Stretch {
  readonly #input: Float32Array[];
  readonly #output: Float32Array[];
  /** Frames in the input, the place of the first in the output, and frames there. */
  #taken = 0;
  #first = 0;
  #ready = 0;
  /** By how many frames the output is behind what the speed asks for. */
  #owed = 0;

  constructor(channels: number) {
    this.#input = Array.from({ length: channels }, () => new Float32Array(CHUNK));
    this.#output = Array.from({ length: channels }, () => new Float32Array(ROOM));
  }

  /** Takes `frames` to be played at `speed`: so many for each that comes out. */
  push(planes: readonly Float32Array[], frames: number, speed: number): void {
    for (let done = 0; done < frames; ) {
      const count = Math.min(CHUNK - this.#taken, frames - done);
      this.#input.forEach((plane, c) => plane.set(planes[c]!.subarray(done, done + count), this.#taken));
      this.#taken += count;
      done += count;
      if (this.#taken === CHUNK) this.#stretch(speed);
    }
  }

  /** Frames that are played before the next that is pushed. */
  get pending(): number {
    return this.#taken + this.#ready;
  }

  /** Frames that can be had at once. */
  get ready(): number {
    return this.#ready;
  }

  /** Moves frames to `planes`, from their frame `from` on; as many as there are, but no more than `frames`. Returns how many. */
  pop(planes: readonly Float32Array[], from: number, frames: number): number {
    const count = Math.min(frames, this.#ready, ROOM - this.#first);
    this.#output.forEach((plane, c) => planes[c]?.set(plane.subarray(this.#first, this.#first + count), from));
    this.#first = (this.#first + count) % ROOM;
    this.#ready -= count;
    return count;
  }

  #stretch(speed: number): void {
    this.#taken = 0;
    this.#owed += CHUNK * (1 / speed - 1);
    const slip = Math.max(-1, Math.min(1, Math.trunc(this.#owed)));
    this.#owed -= slip;
    // Somebody doesn't play what is pushed: the newest goes.
    if (this.#ready + CHUNK + 1 > ROOM) return;
    const begin = this.#first + this.#ready;
    this.#input.forEach((input, c) => {
      const output = this.#output[c]!;
      for (let n = 0; n < CHUNK + slip; n++) {
        const weight = Math.max(0, Math.min(1, (n - FADE_AT) / FADE));
        const slipped = input[Math.max(0, n - slip)]!;
        output[(begin + n) % ROOM] = weight === 1 ? slipped : input[n]! + weight * (slipped - input[n]!);
      }
    });
    this.#ready += CHUNK + slip;
  }
}
