/**
 * A sound device's clock: which of its frames is heard when. Fed with pairs that the device tells now and then, whose times
 * are noisy; a line through them is not. Twin of `Device` in viewer/src/audio/clock.rs.
 */

import { clamp } from "./depth";

/** Samples a second. */
export const RATE = 48_000;
const NOMINAL = 1e6 / RATE;
/** Samples kept, and the least time between two, in µs. */
const KEPT = 64;
const APART = 100_000;
/** With fewer samples or less time the device is believed to run at the rate known before it stepped, or its nominal one. */
const FIT_SAMPLES = 16;
const FIT_SPAN = 2_000_000;
/** By how much a device may differ from its nominal rate. */
const MAX_SKEW = 1000e-6;
/**
 * A sample this far from the line is strange, and so many in a row are a new truth: the device has stopped, changed, or
 * missed a quantum (2.7 ms).
 */
const STRANGE = 2_000;
const STRANGE_RUN = 3;

/** Frame `frame` is heard at `us`, and those around it at `usPerFrame` from each other. */
export interface Line {
  frame: number;
  us: number;
  usPerFrame: number;
}

/** When `frame` is heard, in µs. */
export function heardAt(line: Line, frame: number): number {
  return line.us + (frame - line.frame) * line.usPerFrame;
}

export class Device {
  #samples: { frame: number; us: number }[] = [];
  /** Those that were far from the line, in a row. */
  #strange: { frame: number; us: number }[] = [];
  /** How often the clock was found to have stepped. */
  steps = 0;
  /** What is known; undefined: nothing yet. */
  line: Line | undefined;

  /** Frame number `frame` is heard at `us`. Pairs that come too close to the last, or run backwards, say nothing new. */
  add(frame: number, us: number): void {
    const last = this.#strange.at(-1) ?? this.#samples.at(-1);
    if (last && (us - last.us < APART || frame <= last.frame)) return;
    if (this.line) {
      const far = Math.abs(heardAt(this.line, frame) - us) > STRANGE;
      if (!far) this.#strange = [];
      else if (this.#strange.length + 1 < STRANGE_RUN) {
        this.#strange.push({ frame, us });
        return;
      } else {
        this.#samples = this.#strange;
        this.#strange = [];
        this.steps++;
      }
    }
    if (this.#samples.length === KEPT) this.#samples.shift();
    this.#samples.push({ frame, us });
    this.line = fit(this.#samples, this.line?.usPerFrame ?? NOMINAL);
  }
}

function fit(samples: readonly { frame: number; us: number }[], before: number): Line | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last) return undefined;
  // Relative to the last sample, so that a double has digits to spare.
  const points = samples.map((s) => ({ frame: s.frame - last.frame, us: s.us - last.us }));
  const sum = (of: (p: { frame: number; us: number }) => number): number => points.reduce((all, p) => all + of(p), 0);
  const meanFrame = sum((p) => p.frame) / points.length;
  const meanUs = sum((p) => p.us) / points.length;
  let usPerFrame = before;
  if (points.length >= FIT_SAMPLES && last.us - first.us >= FIT_SPAN) {
    const squares = sum((p) => (p.frame - meanFrame) * (p.frame - meanFrame));
    const products = sum((p) => (p.frame - meanFrame) * (p.us - meanUs));
    usPerFrame = clamp(products / squares, NOMINAL * (1 - MAX_SKEW), NOMINAL * (1 + MAX_SKEW));
  }
  return { frame: last.frame + meanFrame, us: last.us + meanUs, usPerFrame };
}
