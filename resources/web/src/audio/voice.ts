/** One rendition being played: its decoder and its processor in the audio thread. Owns both; a new rendition has a new one. */

import type { AudioConfig } from "../catalog";
import type { Event } from "./control";
import { heardOf } from "./fold";
import { type FromThread, type Options, PROCESSOR, type ToThread } from "./messages";
import type { Metrics } from "./player";
import { Slots } from "./slots";
import type { Line } from "./device";

/** What the voice tells. */
export interface Events {
  onMetrics(metrics: Metrics): void;
  onEvent(event: Event): void;
  onTap(frame: number, planes: Float32Array[]): void;
  /** It can't go on: the decoder has failed. */
  onFailed(why: string): void;
}

/** So many packets may be in the decoder. */
const DECODING = 256;

export class Voice {
  readonly frameUs: number;
  readonly node: AudioWorkletNode;
  readonly #config: AudioConfig;
  readonly #events: Events;
  readonly #decoder: AudioDecoder;
  /** What the audio thread sees, where the page is isolated. */
  readonly #slots: Slots | undefined;
  /**
   * Packets given to the decoder, and their time stamps. Chromium counts samples from the first packet on instead of taking
   * each packet's time stamp: with lost packets the sound would come earlier and earlier. So the decoder's packets are
   * numbered without a gap, and their time is kept here.
   */
  #given = 0;
  readonly #times = new Float64Array(DECODING);
  #closed = false;

  constructor(context: AudioContext, config: AudioConfig, frameUs: number, events: Events) {
    const { channels } = config;
    this.frameUs = frameUs;
    this.#config = config;
    this.#events = events;
    this.#slots = crossOriginIsolated ? new Slots(channels, new SharedArrayBuffer(Slots.bytes(channels))) : undefined;
    const heard = heardOf(channels, context.destination.maxChannelCount);
    const buffer = this.#slots?.buffer as SharedArrayBuffer | undefined;
    const processorOptions: Options = { channels, heard, frameUs, buffer };
    this.node = new AudioWorkletNode(context, PROCESSOR, {
      numberOfInputs: 0,
      numberOfOutputs: 1,
      outputChannelCount: [heard],
      processorOptions,
    });
    this.node.port.onmessage = ({ data }: MessageEvent<FromThread>) => this.#onMessage(data);
    this.#decoder = new AudioDecoder({
      output: (data) => this.#onDecoded(data),
      error: (error) => this.#fail(error.message),
    });
    const { codec, sampleRate, description } = config;
    this.#decoder.configure({
      codec,
      sampleRate,
      numberOfChannels: channels,
      ...(description ? { description } : {}),
    });
  }

  /** A packet came. */
  decode(pts: number, data: Uint8Array): void {
    if (this.#closed) return;
    try {
      this.#times[this.#given % DECODING] = pts;
      const timestamp = this.#given++ * this.frameUs;
      this.#decoder.decode(new EncodedAudioChunk({ type: "key", timestamp, data }));
    } catch (error) {
      this.#fail(String(error));
    }
  }

  /** When the context's frames are heard, in the server's time; whether the device has slipped. */
  setLine(line: Line, slipped: boolean, roundTripUs: number | undefined): void {
    this.#tell({ kind: "line", line, slipped, roundTripUs });
  }

  /** Whether `onTap` is told what is played. */
  tap(on: boolean): void {
    this.#tell({ kind: "tap", on });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tell({ kind: "stop" });
    this.node.disconnect();
    if (this.#decoder.state !== "closed") this.#decoder.close();
  }

  #onDecoded(data: AudioData): void {
    try {
      if (this.#closed || data.numberOfChannels !== this.#config.channels) return;
      const { numberOfFrames: frames } = data;
      const pts = this.#times[Math.round(data.timestamp / this.frameUs) % DECODING] ?? 0;
      const copy = (planeIndex: number, place: Float32Array<ArrayBuffer>): void =>
        data.copyTo(place, { planeIndex, frameCount: place.length, format: "f32-planar" });
      if (this.#slots) {
        // Browsers differ in whether they copy into shared memory; all do into a buffer of ours.
        const own = new Float32Array(frames);
        this.#slots.write(pts, frames, (c, place) => {
          copy(c, own);
          place.set(own.subarray(0, place.length));
        });
        return;
      }
      const planes = Array.from({ length: data.numberOfChannels }, () => new Float32Array(frames));
      planes.forEach((plane, c) => copy(c, plane));
      const transfer = planes.map((plane) => plane.buffer);
      this.node.port.postMessage({ kind: "packet", pts, planes } satisfies ToThread, transfer);
    } finally {
      data.close();
    }
  }

  #onMessage(message: FromThread): void {
    if (this.#closed) return;
    switch (message.kind) {
      case "metrics":
        return this.#events.onMetrics(message.metrics);
      case "event":
        return this.#events.onEvent(message.event);
      case "tap":
        return this.#events.onTap(message.frame, message.planes);
    }
  }

  #fail(why: string): void {
    if (this.#closed) return;
    this.close();
    this.#events.onFailed(why);
  }

  #tell(message: ToThread): void {
    this.node.port.postMessage(message);
  }
}
