/** What a wheel event is in 120ths of a detent. Pure. */

/** The fields of WheelEvent that matter; `wheelDeltaX/Y` are Chromium's, 120 a detent and upwards positive. */
export interface Wheel {
  deltaX: number;
  deltaY: number;
  deltaMode: number;
  shiftKey: boolean;
  wheelDeltaX?: number;
  wheelDeltaY?: number;
}

/** Chromium's pixels of one detent, where it doesn't tell detents. */
const PIXELS = 100;
/** Lines and pages of one detent. */
const LINES = 3;
const PAGES = 1;

/** Right and down, in 120ths of a detent. */
export function wheelDetents(wheel: Wheel): { dx: number; dy: number } {
  // With shift held browsers turn the wheel sideways; the game sees the shift key and decides itself.
  const turned = wheel.shiftKey && wheel.deltaY === 0 && wheel.deltaX !== 0;
  const dx = axis(wheel.deltaX, wheel.deltaMode, wheel.wheelDeltaX);
  const dy = axis(wheel.deltaY, wheel.deltaMode, wheel.wheelDeltaY);
  return turned ? { dx: 0, dy: dx } : { dx, dy };
}

function axis(delta: number, mode: number, detents: number | undefined): number {
  if (delta === 0) return 0;
  // A wheel with detents tells whole ones; touch pads tell three times their pixels.
  if (detents !== undefined && detents !== 0 && detents % 120 === 0) return -detents;
  const unit = mode === 1 ? LINES : mode === 2 ? PAGES : PIXELS;
  return (delta / unit) * 120;
}
