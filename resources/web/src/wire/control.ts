/** The control stream's messages: protocols/stream.md, twin of protocols/src/control.rs. */

import { Reader, WireError, Writer } from "./bytes";

/** The version both ends must agree on. */
export const VERSION = 1;
/** The longest message (kind byte and body), in bytes. */
export const MAX_MESSAGE = 64 * 1024;
/** The longest text a client may send at once, in bytes. */
export const MAX_TEXT = 4096;
const MAX_NAME = 64;
const MAX_TITLE = 256;
const MAX_REASON = 256;
const MAX_CHANNELS = 8;

/** Client → server. */
export type ToServer =
  | { kind: "hello"; version: number; wantInput: boolean; name: string }
  | { kind: "takeInput" }
  | { kind: "dropInput" }
  | { kind: "text"; text: string }
  | { kind: "requestKeyFrame" }
  /** How many channels of sound this page can play: 1 to 8. */
  | { kind: "loudspeakers"; channels: number }
  /** This page's microphone is turned on or off; only where it is allowed. */
  | { kind: "microphone"; on: boolean }
  | Playback;

/** How the sound is played: µs, and counts since the rendition began. */
export interface Playback {
  kind: "playback";
  /** From the game to the ear. */
  delay: number;
  /** What is there to be played. */
  depth: number;
  /** How far the sound is behind (above zero) where it should be. */
  drift: number;
  played: number;
  concealed: number;
  /** Packets that were not there at their time. */
  missing: number;
  late: number;
  resyncs: number;
  excursions: number;
}

/** Output size in pixels and refresh in millihertz. */
export interface Output {
  width: number;
  height: number;
  refreshMhz: number;
}

export interface Welcome extends Output {
  kind: "welcome";
  version: number;
  viewer: bigint;
  /** The server's clock, in µs, at the video container's time stamp 0. */
  startUs: number;
}

export interface Role {
  kind: "role";
  /** This viewer holds the input role. */
  input: boolean;
  /** Somebody holds it. */
  holder: boolean;
}

export interface Scene extends Output {
  kind: "scene";
  /** The game wants relative motion only. */
  pointerLocked: boolean;
  title: string;
}

export interface Bye {
  kind: "bye";
  reason: string;
}

/** Without this message the session has no microphone. */
export interface MicrophoneState {
  kind: "microphone";
  /** This viewer may turn its own on. */
  allowed: boolean;
  /** This viewer's is on: its packets are played. */
  on: boolean;
  /** Somebody's is on. */
  live: boolean;
}

/** Server → client. */
export type ToClient = Welcome | Role | Scene | Bye | MicrophoneState;

/** A message with its length in front. */
export function encode(message: ToServer): Uint8Array<ArrayBuffer> {
  const body = new Writer();
  switch (message.kind) {
    case "hello":
      body.u8(0x01).u16(message.version).u8(Number(message.wantInput)).text(message.name, MAX_NAME);
      break;
    case "takeInput":
      body.u8(0x02);
      break;
    case "dropInput":
      body.u8(0x03);
      break;
    case "text":
      body.u8(0x04).text(message.text, MAX_TEXT);
      break;
    case "requestKeyFrame":
      body.u8(0x05);
      break;
    case "loudspeakers":
      body.u8(0x06).u8(Math.min(Math.max(message.channels, 1), MAX_CHANNELS));
      break;
    case "microphone":
      body.u8(0x07).u8(Number(message.on));
      break;
    case "playback":
      body.u8(0x08).u32(message.delay).u32(message.depth).i32(message.drift).u32(message.played).u32(message.concealed);
      body.u32(message.missing).u32(message.late).u32(message.resyncs).u32(message.excursions);
      break;
  }
  const bytes = body.done();
  return new Writer().u32(bytes.length).bytes(bytes).done();
}

/** Reads a message (kind byte and body, without the length). */
export function decode(bytes: Uint8Array): ToClient {
  const r = new Reader(bytes);
  const message = read(r);
  r.end();
  return message;
}

function read(r: Reader): ToClient {
  const kind = r.u8();
  switch (kind) {
    case 0x81:
      return { kind: "welcome", version: r.u16(), viewer: r.u64(), ...output(r), startUs: r.count() };
    case 0x82:
      return { kind: "role", input: r.bool("input"), holder: r.bool("holder") };
    case 0x83:
      return {
        kind: "scene",
        ...output(r),
        pointerLocked: r.bool("pointer_locked"),
        title: r.text("title", MAX_TITLE),
      };
    case 0x84:
      return { kind: "bye", reason: r.text("reason", MAX_REASON) };
    case 0x85:
      return { kind: "microphone", allowed: r.bool("allowed"), on: r.bool("on"), live: r.bool("live") };
    default:
      throw new WireError(`unknown kind ${kind}`);
  }
}

function output(r: Reader): Output {
  return { width: r.u32(), height: r.u32(), refreshMhz: r.u32() };
}

/** Cuts a stream of bytes into messages. */
export class Decoder {
  #waiting = new Uint8Array(0);

  /** Adds what was read and returns the messages that are whole now. */
  push(bytes: Uint8Array): ToClient[] {
    const all = new Uint8Array(this.#waiting.length + bytes.length);
    all.set(this.#waiting);
    all.set(bytes, this.#waiting.length);
    const view = new DataView(all.buffer);
    const messages: ToClient[] = [];
    let at = 0;
    while (all.length - at >= 4) {
      const length = view.getUint32(at, true);
      if (length > MAX_MESSAGE) throw new WireError(`message: ${length} exceeds ${MAX_MESSAGE}`);
      if (all.length - at - 4 < length) break;
      messages.push(decode(all.subarray(at + 4, at + 4 + length)));
      at += 4 + length;
    }
    this.#waiting = all.slice(at);
    return messages;
  }
}
