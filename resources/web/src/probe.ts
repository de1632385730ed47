/**
 * What tests and the bench may see, as `window.__goggles`: counts and times, nothing that can be changed but two
 * callbacks. Nothing is computed for a callback that isn't set.
 */

import type { Sound } from "./audio/sound";

/** A decoded frame, told to `onframe`. */
export interface ProbeFrame {
  ptsUs: number;
  /** Milliseconds of performance.now(). */
  receivedAt: number;
  decodedAt: number;
  /** Milliseconds from the game's commit to decodedAt, by the estimate of the server's clock; undefined before there is one. */
  sinceCommit: number | undefined;
  /** Y, U, V (0 to 255, as coded) at the probed point of the picture. */
  yuv: [number, number, number];
}

/** The hook itself. */
export class Probe {
  received = 0;
  decoded = 0;
  painted = 0;
  keyFrames = 0;
  lastPts = -1;
  state = "connecting";
  role = "none";
  pointerLocked = false;
  /** The microphone is being recorded. */
  recording = false;
  viewer = "";
  size = "";
  codec = "";
  /** The server's clock at the time stamp 0, and how far it is ahead of ours; µs. */
  startUs = 0;
  offsetUs: () => number | undefined = () => undefined;
  /** The sound's player: its state, figures and `tap`. */
  sound: Sound | undefined;
  /** Called for each frame, after it was painted. */
  onframe: ((frame: ProbeFrame) => void) | undefined;
  /** Where `onframe` looks, as a fraction of the picture. */
  readonly point = { x: 0.5, y: 0.5 };

  constructor(query: URLSearchParams) {
    const [x, y] = (query.get("probe") ?? "").split(",").map(Number);
    const inside = (v: number | undefined): v is number => v !== undefined && v >= 0 && v <= 1;
    if (query.has("probe") && inside(x) && inside(y)) this.point = { x, y };
  }

  /** Reads the point of a frame that is about to be closed. */
  look(frame: VideoFrame, receivedUs: number, decodedUs: number): void {
    if (!this.onframe) return;
    const copy = frame.clone();
    look(copy, this.point)
      .then((yuv) => {
        const { timestamp: ptsUs } = copy;
        const offset = this.offsetUs();
        const sinceCommit = offset === undefined ? undefined : (decodedUs + offset - this.startUs - ptsUs) / 1000;
        this.onframe?.({ ptsUs, receivedAt: receivedUs / 1000, decodedAt: decodedUs / 1000, sinceCommit, yuv });
      })
      .catch((error: unknown) => console.warn("the probe can't read a frame:", error))
      .finally(() => copy.close());
  }
}

/** Reads four pixels that share their chroma. */
async function look(frame: VideoFrame, point: { x: number; y: number }): Promise<[number, number, number]> {
  const { format, visibleRect: visible } = frame;
  if (!visible || (format !== "I420" && format !== "NV12")) throw new Error(`a frame of format ${format}`);
  const even = (fraction: number, from: number, length: number): number =>
    from + 2 * Math.floor(Math.min(length - 2, fraction * length) / 2);
  const x = even(point.x, visible.x, visible.width);
  const y = even(point.y, visible.y, visible.height);
  const rect = { x, y, width: 2, height: 2 };
  const bytes = new Uint8Array(frame.allocationSize({ rect }));
  const planes = await frame.copyTo(bytes, { rect });
  const at = (plane: number, byte: number): number => bytes[(planes[plane]?.offset ?? 0) + byte] ?? 0;
  return format === "I420" ? [at(0, 0), at(1, 0), at(2, 0)] : [at(0, 0), at(1, 0), at(1, 1)];
}

declare global {
  interface Window {
    __goggles: Probe;
  }
}
