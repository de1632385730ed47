/** What the page and its audio thread say to each other. */

import type { Event } from "./control";
import type { Line } from "./device";
import type { Metrics } from "./player";

/** The name the processor is registered by. */
export const PROCESSOR = "goggles-player";

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
  | { kind: "packet"; pts: number; planes: Float32Array[] }
  /** Whether what is played is told. */
  | { kind: "tap"; on: boolean }
  | { kind: "stop" };

export type FromThread =
  | { kind: "metrics"; metrics: Metrics }
  | { kind: "event"; event: Event }
  /** What is played from the context's frame `frame` on, by channel. */
  | { kind: "tap"; frame: number; planes: Float32Array[] };
