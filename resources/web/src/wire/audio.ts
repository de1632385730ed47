/** The payloads of the MoQ tracks NAME.red, and the microphone's datagrams. Twin of protocols/src/audio.rs. */

import { Reader, WireError, Writer } from "./bytes";

const MAX_PACKET = 10_240;
const REPEATED = 2;
/** The longest packet of the microphone, in bytes. */
export const MAX_MICROPHONE = 1000;

/** A packet that was sent before. */
export interface Earlier {
  /** How much earlier its time stamp is than the payload's, in µs. */
  age: number;
  packet: Uint8Array<ArrayBuffer>;
}

/** A packet, and those before it once more. */
export interface Redundant {
  /** Oldest first. */
  earlier: Earlier[];
  /** The packet that the container's time stamp is of. */
  packet: Uint8Array<ArrayBuffer>;
}

/** Reads one payload. */
export function decodeRedundant(bytes: Uint8Array): Redundant {
  const r = new Reader(bytes);
  const count = r.u8();
  if (count > REPEATED) throw new WireError(`${count} repeated packets`);
  const earlier: Earlier[] = [];
  let last = Infinity;
  while (earlier.length < count) {
    const [age, length] = [r.u16(), r.u16()];
    if (age === 0 || age >= last) throw new WireError(`age: bad value ${age}`);
    last = age;
    earlier.push({ age, packet: packet(r, length) });
  }
  return { earlier, packet: packet(r, r.left) };
}

function packet(r: Reader, length: number): Uint8Array<ArrayBuffer> {
  if (length < 1 || length > MAX_PACKET) throw new WireError(`a packet of ${length} bytes`);
  return r.bytes(length);
}

/**
 * A microphone's packet as a datagram; `seq` counts them, from 1, and wraps; `time` is when its first sample was recorded, in
 * µs of the server's clock, an integer; `packet` is 1 to MAX_MICROPHONE bytes.
 */
export function encodeMicrophone(seq: number, time: number, packet: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Writer().u8(0x04).u32(seq).u64(time).u16(packet.length).bytes(packet).done();
}
