/**
 * What tests and the bench may see, as `window.__goggles`: counts and times, nothing that can be changed but two
 * callbacks. Nothing is computed for a callback that isn't set.
 */

/** A decoded frame, told to `onframe`. */
export interface ProbeFrame {
  ptsUs: number;
  /** Milliseconds of performance.now(). */
  receivedAt: number;
  decodedAt: number;
  /** Luma (0 to 255, as coded) at the probed point of the picture. */
  luma: number;
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
  viewer = "";
  size = "";
  codec = "";
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
    luma(copy, this.point)
      .then((value) => {
        this.onframe?.({
          ptsUs: copy.timestamp,
          receivedAt: receivedUs / 1000,
          decodedAt: decodedUs / 1000,
          luma: value,
        });
      })
      .catch((error: unknown) => console.warn("the probe can't read a frame:", error))
      .finally(() => copy.close());
  }
}

/** The frame's luma at a point; works for the planar formats, whose first plane it is. */
async function luma(frame: VideoFrame, point: { x: number; y: number }): Promise<number> {
  const visible = frame.visibleRect;
  if (!visible) throw new Error("the frame is closed");
  // Even, since chroma planes have half the size.
  const even = (fraction: number, from: number, length: number): number =>
    from + 2 * Math.floor((Math.min(length - 2, fraction * length)) / 2);
  const rect = {
    x: even(point.x, visible.x, visible.width),
    y: even(point.y, visible.y, visible.height),
    width: 2,
    height: 2,
  };
  const bytes = new Uint8Array(frame.allocationSize({ rect }));
  await frame.copyTo(bytes, { rect });
  if (frame.format === "BGRX" || frame.format === "BGRA" || frame.format === "RGBX" || frame.format === "RGBA") {
    return bytes[1] ?? 0;
  }
  return bytes[0] ?? 0;
}

declare global {
  interface Window {
    __goggles: Probe;
  }
}
