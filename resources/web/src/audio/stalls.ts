/**
 * Tells when the audio thread itself stood still. What came late because of that says nothing of the way here, and a
 * longer delay would not have helped: nobody was there to play it. Twin of viewer/src/audio/stalls.rs.
 */

/** Calls closer together than this (ms) are one: a device asks for several quanta at once. */
const TOGETHER = 0.5;
/** A pause is a stall if it is longer than this many usual ones and so much more, in ms. */
const USUAL = 2;
const SPARE = 2;
/** The usual pause before one was seen, in ms, and how much of each new one goes into it. */
const FIRST = 10;
const WEIGHT = 1 / 64;

/** Looks at each call of the audio thread. */
export class Stalls {
  #last: number | undefined;
  #usual = FIRST;

  /** The thread is called at `now`, in ms of any clock. Whether it stood still before. */
  step(now: number): boolean {
    const pause = now - (this.#last ?? now);
    this.#last = now;
    if (pause < TOGETHER) return false;
    const longest = this.#usual * USUAL + SPARE;
    // Stalls that come all the time are usual: then the delay has to be sized for them.
    this.#usual += (Math.min(pause, 2 * longest) - this.#usual) * WEIGHT;
    return pause > longest;
  }
}
