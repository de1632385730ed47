/** The layout of an input datagram: protocols/stream.md, twin of protocols/src/input/{batch,keys}.rs. */

import { Writer } from "./bytes";

/** The most edges one batch repeats. */
export const MAX_EDGES = 16;

const BUTTON_FIRST = 0x110;
const BUTTON_LAST = 0x11f;
const KEY_LAST = 255;
/** In an edge's code: it is a press. */
const PRESSED = 0x8000;

/** Whether `code` is a pointer button. */
export function isButton(code: number): boolean {
  return code >= BUTTON_FIRST && code <= BUTTON_LAST;
}

/** Whether the wire can carry `code`: a key (0 to 255) or a button. */
export function isCode(code: number): boolean {
  return (code >= 0 && code <= KEY_LAST) || isButton(code);
}

/** Where the pointer was: sums of relative motion in 1/256 pixels, and the last absolute place in 65535ths. */
export interface Place {
  readonly motionX: number;
  readonly motionY: number;
  /** Counts the absolute places from 1; 0: none yet. */
  readonly absoluteSeq: number;
  readonly x: number;
  readonly y: number;
}

/** A key or button went down or up. */
export interface Edge {
  code: number;
  pressed: boolean;
  /** How long before the batch was sent, in µs. */
  age: number;
  /** For buttons only. */
  place: Place | undefined;
}

/** One input datagram; the fields are described in stream.md. */
export interface Batch {
  epoch: number;
  seq: number;
  time: number;
  lastAck: number;
  ackAge: number;
  frame: number;
  place: Place;
  scrollX: number;
  scrollY: number;
  held: Keys;
  edgeSeq: number;
  edges: readonly Edge[];
}

/** A set of keys and buttons, by evdev code. */
export class Keys {
  /** Bit `code % 8` of byte `code / 8`. */
  readonly keys = new Uint8Array(32);
  /** Bit n: button 0x110 + n. */
  buttons = 0;

  has(code: number): boolean {
    if (isButton(code)) return (this.buttons & (1 << (code - BUTTON_FIRST))) !== 0;
    return isCode(code) && ((this.keys[code >> 3] ?? 0) & (1 << (code & 7))) !== 0;
  }

  /** Puts `code` in or takes it out; tells whether that changed anything. */
  set(code: number, pressed: boolean): boolean {
    if (!isCode(code) || this.has(code) === pressed) return false;
    if (isButton(code)) this.buttons ^= 1 << (code - BUTTON_FIRST);
    else this.keys[code >> 3] = (this.keys[code >> 3] ?? 0) ^ (1 << (code & 7));
    return true;
  }

  /** What is down, keys first, in the codes' order. */
  list(): number[] {
    const codes: number[] = [];
    for (let code = 0; code <= KEY_LAST; code++) if (this.has(code)) codes.push(code);
    for (let code = BUTTON_FIRST; code <= BUTTON_LAST; code++) if (this.has(code)) codes.push(code);
    return codes;
  }

  get empty(): boolean {
    return this.buttons === 0 && this.keys.every((byte) => byte === 0);
  }
}

/** The datagram's bytes. */
export function encodeBatch(batch: Batch): Uint8Array<ArrayBuffer> {
  const w = new Writer();
  w.u8(0x01).u32(batch.epoch).u32(batch.seq).u64(batch.time).u32(batch.lastAck).u32(batch.ackAge).u64(batch.frame);
  putPlace(w, batch.place);
  w.i32(batch.scrollX).i32(batch.scrollY).bytes(batch.held.keys).u16(batch.held.buttons).u32(batch.edgeSeq);
  const edges = batch.edges.slice(-MAX_EDGES);
  w.u8(edges.length);
  for (const edge of edges) {
    w.u16(edge.code | (edge.pressed ? PRESSED : 0)).u32(edge.age);
    if (isButton(edge.code)) putPlace(w, edge.place ?? batch.place);
  }
  return w.done();
}

function putPlace(w: Writer, place: Place): void {
  w.i32(place.motionX).i32(place.motionY).u32(place.absoluteSeq).u16(place.x).u16(place.y);
}
