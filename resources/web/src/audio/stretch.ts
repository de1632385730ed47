/**
 * Plays a little faster or slower, by slipping a sample now and then: a whole chunk is copied but for one sample that is
 * dropped or doubled, hidden by a crossfade. Owns what is not played yet. The native player has rubato's `Slip` for this.
 */

/** Frames that are stretched at once, at most; one of them may be slipped in each, which is 8000 ppm. */
const CHUNK = 120;
/** Where in the chunk the crossfade begins, and how long it is. */
const FADE_AT = 30;
const FADE = 60;
/** What the output holds at most, in frames. */
const ROOM = 2048;

/** Takes and gives planes of samples, one for each channel. */
export class Stretch {
  readonly #output: Float32Array[];
  /** The place of the first frame in the output, and frames there. */
  #first = 0;
  #ready = 0;
  /** By how many frames the output is behind what the speed asks for. */
  #owed = 0;

  constructor(channels: number) {
    this.#output = Array.from({ length: channels }, () => new Float32Array(ROOM));
  }

  /**
   * Takes `frames` to be played at `speed`: so many for each that comes out. Nothing is held back: what is played next need
   * not be there before all of this has been played.
   */
  push(planes: readonly Float32Array[], frames: number, speed: number): void {
    for (let done = 0; done < frames; done += CHUNK) this.#stretch(planes, done, Math.min(CHUNK, frames - done), speed);
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

  /** Takes `count` frames from frame `from` on. */
  #stretch(planes: readonly Float32Array[], from: number, count: number, speed: number): void {
    this.#owed += count * (1 / speed - 1);
    // The crossfade must fit.
    const slip = count < FADE_AT + FADE ? 0 : Math.max(-1, Math.min(1, Math.trunc(this.#owed)));
    this.#owed -= slip;
    // Somebody doesn't play what is pushed: the newest goes.
    if (this.#ready + count + 1 > ROOM) return;
    const begin = this.#first + this.#ready;
    this.#output.forEach((output, c) => {
      const input = planes[c]!;
      for (let n = 0; n < count + slip; n++) {
        const weight = slip === 0 ? 0 : Math.max(0, Math.min(1, (n - FADE_AT) / FADE));
        const slipped = input[from + Math.max(0, n - slip)]!;
        output[(begin + n) % ROOM] = weight === 1 ? slipped : input[from + n]! + weight * (slipped - input[from + n]!);
      }
    });
    this.#ready += count + slip;
  }
}
