/**
 * What the page and its worker say to each other. The worker has what must not wait while the page paints: the media
 * session's reading, and the sound's decoder.
 */

import type { Packet } from "../audio/packet";
import type { AudioConfig, VideoConfig } from "../catalog";
import type { Address } from "../wire/connect";
import type { Update } from "../wire/cursor";

/** Where decoded sound goes: memory that the audio thread sees, or, where the page isn't isolated, a port to it. */
export type Sink = { buffer: SharedArrayBuffer } | { port: MessagePort };

/** One encoded frame. */
export interface Chunk {
  ptsUs: number;
  data: Uint8Array<ArrayBuffer>;
  /** Starts a group. */
  key: boolean;
  /** When its last byte was here, in µs of the page's clock. */
  received: number;
}

export type ToWorker =
  /** Opens a media session in place of the one before. `session` is in what is told of it. `origin`: of the page's clock, in ms. */
  | { kind: "open"; session: number; address: Address; origin: number }
  | { kind: "close" }
  /** Which track of the sound to read, now and in sessions to come; undefined: none. */
  | { kind: "listen"; track: string | undefined }
  /** Decode this rendition's packets for `sink`, and no other's any more. */
  | { kind: "voice"; voice: number; config: AudioConfig; sink: Sink }
  | { kind: "silence" }
  /** Packets as if they had been read; tests make some. */
  | { kind: "packets"; name: string; newest: Packet; earlier: Packet[] };

/** What happens in a media session. */
export type FromSession =
  | { kind: "opened" }
  | { kind: "refused"; why: string }
  | { kind: "closed" }
  | { kind: "catalog"; catalog: unknown }
  | { kind: "config"; config: VideoConfig }
  | { kind: "chunk"; chunk: Chunk }
  | { kind: "cursor"; updates: Update[] };

/** What happens to a rendition that is being decoded. */
export type FromVoice =
  /** A packet was there only because it was repeated. */
  | { kind: "helped" }
  | { kind: "failed"; why: string };

export type FromWorker = { session: number; said: FromSession } | { voice: number; said: FromVoice };
