/**
 * One line of times for each frame, from the game's commit to our canvas: joins what the server tells (Times) with
 * what we see, by the container's time stamp. Pure; µs; owns the frames of the last seconds.
 */

import type { Times } from "./wire/datagram";

/** What is known of a frame: ours in our clock, the server's in its own. Zero: not (yet). */
export interface Frame {
  ptsUs: number;
  received: number;
  decoded: number;
  painted: number;
  bytes: number;
  key: boolean;
  times: Times | undefined;
  reported: boolean;
}

/** The stages of a frame, in order; each is the time since the one before. */
export const STAGES = ["latch", "render", "wait", "convert", "encode", "send", "network", "decode", "draw"] as const;
export type Stage = (typeof STAGES)[number] | "total";

/** Percentiles of a stage, in milliseconds. */
export interface Spread {
  stage: Stage;
  p50: number;
  p95: number;
}

const KEPT = 1024;
const WINDOW = 4_000_000;

/** The frames of late. */
export class TimeLine {
  /** By time stamp; a Map keeps the order of insertion, so the first is the oldest. */
  readonly #frames = new Map<number, Frame>();

  /** The frame's entry, made if it is new. */
  #frame(ptsUs: number): Frame {
    let frame = this.#frames.get(ptsUs);
    if (!frame) {
      frame = {
        ptsUs,
        received: 0,
        decoded: 0,
        painted: 0,
        bytes: 0,
        key: false,
        times: undefined,
        reported: false,
      };
      this.#frames.set(ptsUs, frame);
      const [oldest] = this.#frames.keys();
      if (this.#frames.size > KEPT && oldest !== undefined) this.#frames.delete(oldest);
    }
    return frame;
  }

  received(ptsUs: number, now: number, bytes: number, key: boolean): void {
    Object.assign(this.#frame(ptsUs), { received: now, bytes, key });
  }

  decoded(ptsUs: number, now: number): void {
    this.#frame(ptsUs).decoded = now;
  }

  /** Returns the frame if it is ready to be reported. */
  painted(ptsUs: number, now: number): Frame | undefined {
    const frame = this.#frame(ptsUs);
    frame.painted = now;
    return ready(frame);
  }

  /** Returns the frame if it is ready to be reported. */
  times(times: Times): Frame | undefined {
    const frame = this.#frame(times.ptsUs);
    frame.times = times;
    return ready(frame);
  }

  /** When the frame was received; 0: it wasn't. */
  receivedAt(ptsUs: number): number {
    return this.#frames.get(ptsUs)?.received ?? 0;
  }

  /** The frames received since `now - window`. */
  recent(now: number, window = WINDOW): Frame[] {
    return [...this.#frames.values()].filter((f) => f.received > now - window);
  }

  clear(): void {
    this.#frames.clear();
  }
}

/** Whole, and told only once. */
function ready(frame: Frame): Frame | undefined {
  if (frame.reported || frame.painted === 0 || !frame.times) return undefined;
  frame.reported = true;
  return frame;
}

/** How long the frames spent in each stage. `offset` brings our clock to the server's. */
export function spreads(frames: readonly Frame[], offset: number): Spread[] {
  const stages = new Map<Stage, number[]>([...STAGES, "total" as const].map((stage) => [stage, []]));
  for (const frame of frames) {
    const t = frame.times;
    if (!t || frame.painted === 0) continue;
    const marks = [
      t.commit,
      t.latch,
      t.rendered,
      t.encodeStart,
      t.converted,
      t.encoded,
      t.sent,
      frame.received + offset,
      frame.decoded + offset,
      frame.painted + offset,
    ];
    // A stage that didn't happen takes no time.
    for (let i = 1; i < marks.length; i++) if (!marks[i]) marks[i] = marks[i - 1] ?? 0;
    STAGES.forEach((stage, i) => stages.get(stage)?.push((marks[i + 1] ?? 0) - (marks[i] ?? 0)));
    stages.get("total")?.push(frame.painted + offset - t.commit);
  }
  return [...stages].map(([stage, values]) => ({
    stage,
    p50: percentile(values, 50) / 1000,
    p95: percentile(values, 95) / 1000,
  }));
}

/** The nearest-rank percentile; NaN of nothing. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN;
}
