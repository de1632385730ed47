/** What the page and its audio thread say to each other. */

import type { Event } from "./control";
import type { Line } from "./device";
import type { Metrics } from "./player";
import type { Place } from "./slots";

/** The names that the processors are registered by. */
export const PROCESSOR = "goggles-player";
export const CAPTURE = "goggles-microphone";

/** What a processor is made with. */
export interface Options {
  channels: number;
  /** Channels that it gives out: as many, or 6 where 8 can't be heard. */
  heard: number;
  /** Shared with the worker; undefined: packets come as messages, by the port that is told. */
  buffer: SharedArrayBuffer | undefined;
}

export type ToThread =
  /** Where packets come from. */
  | { kind: "packets"; port: MessagePort }
  /** When the context's frames are heard, in µs since the session's start by the server's clock; whether that has stepped. */
  | { kind: "line"; line: Line; slipped: boolean; roundTripUs: number | undefined }
  | { kind: "packet"; place: Place; planes: Float32Array[] }
  /** Whether what is played is told. */
  | { kind: "tap"; on: boolean }
  | { kind: "stop" };

export type FromThread =
  | { kind: "metrics"; metrics: Metrics }
  | { kind: "event"; event: Event }
  /** What is played from the context's frame `frame` on, by channel. */
  | { kind: "tap"; frame: number; planes: Float32Array[] };

/** Frames of a packet of the microphone: 10 ms. */
export const BLOCK = 480;

/** A block that was recorded, and the context's number of its first frame. The page's only message ends it. */
export interface FromCapture {
  frame: number;
  samples: Float32Array<ArrayBuffer>;
}
