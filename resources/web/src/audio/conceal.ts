/**
 * Makes up sound that goes on from what was heard last: its last period, again and again, quieter and quieter. Twin of
 * viewer/src/audio/conceal.rs.
 */

/** What is remembered, in frames. */
const HISTORY = 960;
/** Periods that are looked for, in frames: 480 Hz down to 100 Hz; higher tones have several in one. */
const SHORTEST = 100;
const LONGEST = 480;
/** Over how many frames periods are compared. */
const COMPARED = 240;
/** After so many frames it has faded away. */
const FADE = 2_880;

export class Concealer {
  readonly #history: Float32Array[];
  readonly #mono = new Float32Array(HISTORY);
  /** The period that is being repeated, 0: none is; and how many frames of it were given out. */
  #period = 0;
  #done = 0;

  constructor(channels: number) {
    this.#history = Array.from({ length: channels }, () => new Float32Array(HISTORY));
  }

  /** These samples (at most what is remembered) are heard; they are no make-up. */
  heard(planes: readonly Float32Array[], frames: number): void {
    this.#period = 0;
    const count = Math.min(frames, HISTORY);
    this.#history.forEach((history, c) => {
      history.copyWithin(0, count);
      history.set(planes[c]!.subarray(frames - count, frames), HISTORY - count);
    });
  }

  /** Fills the first `frames` of the planes with what goes on. */
  goOn(planes: readonly Float32Array[], frames: number): void {
    if (this.#period === 0) {
      this.#period = this.#find();
      this.#done = 0;
    }
    for (let n = 0; n < frames; n++, this.#done++) {
      const gain = 1 - Math.min(this.#done / FADE, 1);
      const from = HISTORY - this.#period + (this.#done % this.#period);
      this.#history.forEach((history, c) => (planes[c]![n] = history[from]! * gain));
    }
  }

  /** The shift at which the end looks most like what was before it. */
  #find(): number {
    const mono = this.#mono.fill(0);
    for (const history of this.#history) for (let n = 0; n < HISTORY; n++) mono[n]! += history[n]!;
    const end = HISTORY - COMPARED;
    if (mono.subarray(end).every((sample) => sample === 0)) return LONGEST;
    let [best, most] = [LONGEST, Number.NEGATIVE_INFINITY];
    for (let shift = SHORTEST; shift <= LONGEST; shift++) {
      let [product, energy] = [0, 1e-9];
      for (let n = end; n < HISTORY; n++) {
        const before = mono[n - shift]!;
        product += mono[n]! * before;
        energy += before * before;
      }
      const likeness = product / Math.sqrt(energy);
      if (likeness > most) [best, most] = [shift, likeness];
    }
    return best;
  }
}
