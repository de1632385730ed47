/**
 * One rendition being played: its processor in the audio thread, and its decoder in the worker. Owns the processor; a new
 * rendition has a new one.
 */

import type { AudioConfig } from "../catalog";
import type { VoiceEvents } from "../receiver";
import type { Sink } from "../worker/messages";
import type { Event } from "./control";
import type { Line } from "./device";
import { heardOf } from "./fold";
import { type FromThread, type Options, PROCESSOR, type ToThread } from "./messages";
import type { Metrics } from "./player";
import { Slots } from "./slots";

/** What the voice tells. */
export interface Events extends VoiceEvents {
  onMetrics(metrics: Metrics): void;
  onEvent(event: Event): void;
  onTap(frame: number, planes: Float32Array[]): void;
}

/** What decodes a rendition for it. */
export interface Decoder {
  decode(config: AudioConfig, sink: Sink, events: VoiceEvents): void;
  silence(): void;
}

export class Voice {
  readonly node: AudioWorkletNode;
  /** Channels that it gives out. */
  readonly heard: number;
  readonly #decoder: Decoder;
  readonly #events: Events;
  #closed = false;

  constructor(context: AudioContext, config: AudioConfig, decoder: Decoder, events: Events) {
    const { channels } = config;
    this.#decoder = decoder;
    this.#events = events;
    const buffer = crossOriginIsolated ? new SharedArrayBuffer(Slots.bytes(channels)) : undefined;
    const heard = heardOf(channels, context.destination.maxChannelCount);
    this.heard = heard;
    const processorOptions: Options = { channels, heard, buffer };
    this.node = new AudioWorkletNode(context, PROCESSOR, {
      numberOfInputs: 0,
      numberOfOutputs: 1,
      outputChannelCount: [heard],
      processorOptions,
    });
    this.node.port.onmessage = ({ data }: MessageEvent<FromThread>) => this.#onMessage(data);
    decoder.decode(config, buffer ? { buffer } : { port: this.#port() }, {
      onHelped: () => this.#closed || events.onHelped(),
      onFailed: (why) => this.#closed || events.onFailed(why),
    });
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
    this.#decoder.silence();
    this.#tell({ kind: "stop" });
    this.node.disconnect();
  }

  /** A port whose other end the audio thread has. */
  #port(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#tell({ kind: "packets", port: port2 }, [port2]);
    return port1;
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

  #tell(message: ToThread, transfer: Transferable[] = []): void {
    this.node.port.postMessage(message, transfer);
  }
}
