/** The datagrams of /control other than input: clock and frame times. Twin of protocols/src/{clock,frame,datagram}.rs. */

import { Reader, WireError, Writer } from "./bytes";

/** The most frames one report carries; keeps it within one datagram. */
export const MAX_SEEN = 32;
const UNKNOWN_OFFSET = -(2n ** 63n);

/** What the server has applied of the input. */
export interface Ack {
  kind: "ack";
  epoch: number;
  /** The newest batch received. */
  batch: number;
  /** All edges up to this one are settled. */
  edge: number;
}

/** The server's answer to a ping; µs, t0 of our clock, the others of the server's. */
export interface Pong {
  kind: "pong";
  t0: number;
  t1: number;
  t2: number;
}

/** What the server did with one frame; µs of the server's clock; zero: did not happen. */
export interface Times {
  kind: "times";
  frame: number;
  /** The frame's time stamp in the video container. */
  ptsUs: number;
  commit: number;
  latch: number;
  rendered: number;
  encodeStart: number;
  converted: number;
  encoded: number;
  sent: number;
  key: boolean;
  bytes: number;
}

/** Server → client. */
export type ToClient = Ack | Pong | Times;

/** What we saw of one frame; µs of our clock; zero: not (yet). */
export interface Seen {
  frame: number;
  received: number;
  decoded: number;
  painted: number;
}

/** Reads one datagram. */
export function decode(bytes: Uint8Array): ToClient {
  const r = new Reader(bytes);
  const datagram = read(r);
  r.end();
  return datagram;
}

function read(r: Reader): ToClient {
  const kind = r.u8();
  switch (kind) {
    case 0x81:
      return { kind: "ack", epoch: r.u32(), batch: r.u32(), edge: r.u32() };
    case 0x82:
      return { kind: "pong", t0: r.count(), t1: r.count(), t2: r.count() };
    case 0x83:
      return {
        kind: "times",
        frame: r.count(),
        ptsUs: r.count(),
        commit: r.count(),
        latch: r.count(),
        rendered: r.count(),
        encodeStart: r.count(),
        converted: r.count(),
        encoded: r.count(),
        sent: r.count(),
        key: r.bool("key"),
        bytes: r.u32(),
      };
    default:
      throw new WireError(`unknown kind ${kind}`);
  }
}

/** Asks for the server's clock; `t0` is ours, in µs. */
export function encodePing(t0: number): Uint8Array<ArrayBuffer> {
  return new Writer().u8(0x02).u64(t0).done();
}

/** Tells what we saw. `offset` added to our times gives the server's clock, in µs; undefined: not known yet. */
export function encodeReport(offset: number | undefined, frames: readonly Seen[]): Uint8Array<ArrayBuffer> {
  const some = frames.slice(0, MAX_SEEN);
  const w = new Writer().u8(0x03).i64(offset ?? UNKNOWN_OFFSET).u8(some.length);
  for (const s of some) w.u64(s.frame).u64(s.received).u64(s.decoded).u64(s.painted);
  return w.done();
}
