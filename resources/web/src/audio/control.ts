/**
 * Holds the sound where it should be: a PI controller on the speed, and the watchdog that looks after it. Twin of
 * viewer/src/audio/control.rs and watchdog.rs.
 */

import { clamp } from "./depth";

/** Of the drift, per second: 1 ms makes 1000 ppm. */
const PROPORTIONAL = 1;
/** A quarter of its square damps it critically: at 200 ppm the drift peaks at 0.15 ms. */
const INTEGRAL = 0.25;
/** Crystals don't differ by more than the integral may say, even two bad ones. */
const MAX_INTEGRAL = 1000e-6;
/** Nothing is learnt from a drift beyond this (µs): crystals don't make it, only what has stepped or stood still. */
const LEARNT = 2_000;
/** No more than this is ever done to the pitch: 9 cents. */
const MAX_CHANGE = 5000e-6;
/** A pause longer than this (µs) says nothing about the time it took. */
const MAX_STEP = 50_000;

/** Holds the drift at zero. */
export class Control {
  #integral = 0;
  #last: number | undefined;

  /**
   * `drift` (µs, above zero: the sound is behind) at time `at` (µs). `wanted`: the change of speed that is wanted anyway,
   * since the delay itself is being changed. Returns how many samples to take for one that is played.
   */
  step(at: number, drift: number, wanted: number): number {
    const elapsed = clamp(at - (this.#last ?? at), 0, MAX_STEP) / 1e6;
    this.#last = at;
    const error = drift / 1e6;
    const change = wanted + PROPORTIONAL * error + this.#integral;
    // What can't be done any more must not be asked for later.
    if (Math.abs(change) < MAX_CHANGE && Math.abs(drift) <= LEARNT) {
      const integral = this.#integral + INTEGRAL * error * elapsed;
      this.#integral = clamp(integral, -MAX_INTEGRAL, MAX_INTEGRAL);
    }
    return 1 + clamp(change, -MAX_CHANGE, MAX_CHANGE);
  }
}

/** The sound is further than this (µs) from where it should be … */
const DRIFTING = 2_000;
/** … for this long: an event. */
const PATIENCE = 200_000;
/** More than this is not played away at half a per cent, it is jumped over. */
const LOST = 30_000;

/** What the watchdog has seen; the drift is in µs. */
export type Event =
  | { kind: "drifting"; drift: number }
  | { kind: "resync"; drift: number }
  /** Packets came, all too late: the sound has been put back. */
  | { kind: "starved" };

/** Looks at each measured drift. */
export class Watchdog {
  #since: number | undefined;
  #barked = false;

  /** The drift (µs) at `at` (µs). */
  step(at: number, drift: number): Event | undefined {
    if (Math.abs(drift) > LOST || Math.abs(drift) <= DRIFTING) {
      this.#since = undefined;
      this.#barked = false;
      return Math.abs(drift) > LOST ? { kind: "resync", drift } : undefined;
    }
    this.#since ??= at;
    if (this.#barked || at - this.#since < PATIENCE) return undefined;
    this.#barked = true;
    return { kind: "drifting", drift };
  }
}
