/**
 * Decodes one rendition of the sound, each packet once, and hands the samples to the audio thread. Runs in the worker, so
 * that no painting delays it. Owns the decoder.
 */

import type { AudioConfig } from "../catalog";
import type { Sink } from "../worker/messages";
import { RATE } from "./device";
import type { ToThread } from "./messages";
import { duration } from "./opus";
import type { Packet } from "./packet";
import { Seen } from "./redundancy";
import { type Place, Slots } from "./slots";

/** What it tells. */
export interface Events {
  /** A packet was there only because it was repeated. */
  onHelped(): void;
  /** It can't go on. */
  onFailed(why: string): void;
}

/** So many packets may be in the decoder. */
const DECODING = 256;

/** Takes a packet's samples, by channel. */
type Give = (packet: Place, frames: number, copy: (channel: number, place: Float32Array<ArrayBuffer>) => void) => void;

export class Decoding {
  readonly #config: AudioConfig;
  readonly #events: Events;
  readonly #give: Give;
  readonly #seen = new Seen();
  #decoder: AudioDecoder | undefined;
  /** A packet's length; another length has another decoder. */
  #frameUs = 0;
  /**
   * Packets given to the decoder, and which they were. Chromium counts samples from the first packet on instead of taking
   * each packet's time stamp: with lost packets the sound would come earlier and earlier. So the decoder's packets are
   * numbered without a gap, and their time is kept here.
   */
  #given = 0;
  readonly #places: Place[] = [];
  #closed = false;

  constructor(config: AudioConfig, sink: Sink, events: Events) {
    this.#config = config;
    this.#events = events;
    this.#give = giver(config.channels, sink);
  }

  /** The rendition's name. */
  get name(): string {
    return this.#config.name;
  }

  /** A payload of the track: the packet, and those before it once more, oldest first. */
  packets(newest: Packet, earlier: readonly Packet[]): void {
    for (const packet of earlier) {
      if (!this.#seen.first(packet.pts)) continue;
      this.#events.onHelped();
      this.#decode(packet);
    }
    if (this.#seen.first(newest.pts)) this.#decode(newest);
  }

  close(): void {
    this.#closed = true;
    if (this.#decoder && this.#decoder.state !== "closed") this.#decoder.close();
  }

  #decode({ pts, number, data }: Packet): void {
    const frameUs = duration(data);
    if (this.#closed || frameUs === undefined) return;
    try {
      if (frameUs !== this.#frameUs) this.#start(frameUs);
      this.#places[this.#given % DECODING] = { pts, number };
      const timestamp = this.#given++ * frameUs;
      this.#decoder?.decode(new EncodedAudioChunk({ type: "key", timestamp, data }));
    } catch (error) {
      this.#fail(String(error));
    }
  }

  #start(frameUs: number): void {
    if (this.#decoder && this.#decoder.state !== "closed") this.#decoder.close();
    this.#frameUs = frameUs;
    this.#given = 0;
    const decoder: AudioDecoder = new AudioDecoder({
      output: (data) => this.#onDecoded(decoder, data),
      error: (error) => (decoder === this.#decoder ? this.#fail(error.message) : undefined),
    });
    this.#decoder = decoder;
    const { codec, sampleRate, channels: numberOfChannels, description } = this.#config;
    decoder.configure({ codec, sampleRate, numberOfChannels, ...(description ? { description } : {}) });
  }

  #onDecoded(decoder: AudioDecoder, data: AudioData): void {
    try {
      if (this.#closed || decoder !== this.#decoder || data.numberOfChannels !== this.#config.channels) return;
      const packet = this.#places[Math.round(data.timestamp / this.#frameUs) % DECODING];
      if (!packet) return;
      const there = data.numberOfFrames;
      this.#give(packet, Math.round((this.#frameUs * RATE) / 1e6), (planeIndex, place) => {
        const frameCount = Math.min(there, place.length);
        data.copyTo(place.subarray(0, frameCount), { planeIndex, frameCount, format: "f32-planar" });
      });
    } finally {
      data.close();
    }
  }

  #fail(why: string): void {
    if (this.#closed) return;
    this.close();
    this.#events.onFailed(why);
  }
}

function giver(channels: number, sink: Sink): Give {
  if ("buffer" in sink) {
    const slots = new Slots(channels, sink.buffer);
    return (packet, frames, copy) => {
      // Browsers differ in whether they copy into shared memory; all do into a buffer of ours.
      const own = new Float32Array(frames);
      slots.write(packet, frames, (channel, place) => {
        copy(channel, own);
        place.set(own.subarray(0, place.length));
      });
    };
  }
  const { port } = sink;
  return (place, frames, copy) => {
    const planes = Array.from({ length: channels }, () => new Float32Array(frames));
    planes.forEach((plane, channel) => copy(channel, plane));
    const transfer = planes.map((plane) => plane.buffer);
    port.postMessage({ kind: "packet", place, planes } satisfies ToThread, transfer);
  };
}
