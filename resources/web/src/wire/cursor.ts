/** The payloads of the MoQ track `cursor`: twin of protocols/src/cursor.rs. */

import { Reader, WireError } from "./bytes";

const MAX_SIDE = 512;
const MAX_UPDATES = 8;

/** A new image; also shows the cursor. `rgba` isn't premultiplied. */
export interface CursorImage {
  kind: "image";
  width: number;
  height: number;
  hotX: number;
  hotY: number;
  rgba: Uint8Array<ArrayBuffer>;
}

/** A change of the cursor; a position is the hotspot's, in output pixels. */
export type Update =
  | CursorImage
  | { kind: "position"; x: number; y: number }
  | { kind: "hidden" }
  | { kind: "visible" };

/** Reads one payload. */
export function decode(bytes: Uint8Array): Update[] {
  const r = new Reader(bytes);
  const updates = [read(r)];
  while (!r.empty) {
    if (updates.length === MAX_UPDATES) throw new WireError(`more than ${MAX_UPDATES} cursor updates`);
    updates.push(read(r));
  }
  return updates;
}

function read(r: Reader): Update {
  const kind = r.u8();
  switch (kind) {
    case 0x01: {
      const [width, height, hotX, hotY] = [side(r.u16()), side(r.u16()), r.u16(), r.u16()];
      return { kind: "image", width, height, hotX, hotY, rgba: r.bytes(width * height * 4) };
    }
    case 0x02:
      return { kind: "position", x: r.i32(), y: r.i32() };
    case 0x03:
      return { kind: "hidden" };
    case 0x04:
      return { kind: "visible" };
    default:
      throw new WireError(`unknown kind ${kind}`);
  }
}

function side(value: number): number {
  if (value < 1 || value > MAX_SIDE) throw new WireError(`cursor side: ${value}`);
  return value;
}
