/**
 * The page's microphone, from the browser's recording to packets (protocols/stream.md, "The microphone"). Owns the recording
 * while it is on. It is on only from a press of its button until it is turned off, the page is hidden or the session ends.
 */

import type { MicrophoneState } from "../wire/control";
import { RATE } from "./device";
import { BLOCK, CAPTURE, type FromCapture } from "./messages";

/** What the microphone needs, and tells. */
export interface Surroundings {
  /** The running context, with the processor loaded. */
  context(): Promise<AudioContext>;
  /** When the context's frame was recorded, in µs of the server's clock; undefined: not known yet. */
  recordedAt(frame: number): number | undefined;
  /** Asks the server to turn ours on or off. */
  onWanted(on: boolean): void;
  /** A packet to send, and when its first sample was recorded. */
  onPacket(time: number, packet: Uint8Array): void;
  /** Something that the page shows has changed. */
  onChange(): void;
}

/** bit/s: Opus is transparent for one voice. */
const BITRATE = 40_000;
/** What is expected to be lost, in per cent: how much the encoder spends on repeating itself. */
const LOSS = 5;

/** A recording. */
interface Recording {
  stream: MediaStream;
  source: MediaStreamAudioSourceNode;
  node: AudioWorkletNode;
  encoder: AudioEncoder;
  /** When the blocks in the encoder were recorded, the oldest first. */
  times: number[];
}

export class Microphone {
  readonly #around: Surroundings;
  /** What the server says; undefined: the session has none. */
  #server: MicrophoneState | undefined;
  /** "asking" until the browser has answered. */
  #recording: Recording | "asking" | undefined;
  /** How often it was turned on or off: what was asked for before is not wanted any more. */
  #turns = 0;
  /** Why it could not be turned on; until the next press. */
  trouble: string | undefined;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** May be turned on. */
  get offered(): boolean {
    return this.#server?.allowed === true && "AudioEncoder" in window && "mediaDevices" in navigator;
  }

  /** Is being recorded, or is about to be. */
  get pressed(): boolean {
    return this.#recording !== undefined;
  }

  /** What is recorded is heard by the game. */
  get on(): boolean {
    return this.#server?.on === true && typeof this.#recording === "object";
  }

  /** Somebody's is on. */
  get live(): boolean {
    return this.#server?.live === true;
  }

  /** The server spoke of it. */
  onState(state: MicrophoneState): void {
    const refused = this.#server?.on === true && !state.on;
    this.#server = state;
    // Ours was turned off there, or may not be on: nobody hears it.
    if (this.#recording && (refused || !state.allowed)) {
      this.stop();
      this.trouble = refused ? "The server has turned the microphone off." : "The server lets no more microphones be on.";
    }
    this.#around.onChange();
  }

  /** The session is over: the next may have none. */
  restart(): void {
    this.stop();
    this.#server = undefined;
    this.#around.onChange();
  }

  /** The button. */
  async toggle(): Promise<void> {
    this.trouble = undefined;
    if (this.#recording) return this.stop();
    const turn = ++this.#turns;
    this.#recording = "asking";
    this.#around.onChange();
    let stream: MediaStream | undefined;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
      });
      const context = await this.#around.context();
      // It was turned off in the meantime.
      if (turn !== this.#turns) return release(stream);
      this.#recording = this.#record(stream, context);
      this.#around.onWanted(true);
    } catch (error) {
      // Nothing else knows of it yet.
      if (stream) release(stream);
      if (turn !== this.#turns) return;
      this.stop();
      this.trouble = why(error);
    }
    this.#around.onChange();
  }

  /** Turns it off. */
  stop(): void {
    const recording = this.#recording;
    this.#recording = undefined;
    this.#turns++;
    if (typeof recording === "object") {
      end(recording);
      this.#around.onWanted(false);
    }
    this.#around.onChange();
  }

  #record(stream: MediaStream, context: AudioContext): Recording {
    const source = context.createMediaStreamSource(stream);
    const node = new AudioWorkletNode(context, CAPTURE, {
      numberOfInputs: 1,
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    const encoder = new AudioEncoder({
      output: (chunk) => this.#onEncoded(recording, chunk),
      error: (error) => this.#fail(recording, error.message),
    });
    // TypeScript doesn't know `application` yet.
    const opus = { frameDuration: (BLOCK * 1e6) / RATE, useinbandfec: true, packetlossperc: LOSS, application: "voip" };
    const recording: Recording = { stream, source, node, encoder, times: [] };
    try {
      encoder.configure({ codec: "opus", sampleRate: RATE, numberOfChannels: 1, bitrate: BITRATE, opus });
    } catch (error) {
      end(recording);
      throw error;
    }
    node.port.onmessage = ({ data }: MessageEvent<FromCapture>) => this.#onBlock(recording, data);
    source.connect(node);
    for (const track of stream.getAudioTracks()) {
      track.onended = () => this.#fail(recording, "The microphone was taken away.");
    }
    return recording;
  }

  #onBlock(recording: Recording, { frame, samples }: FromCapture): void {
    const time = this.#around.recordedAt(frame);
    if (recording !== this.#recording || !this.on || time === undefined) return;
    recording.times.push(Math.round(time));
    const shape = { format: "f32", sampleRate: RATE, numberOfChannels: 1, numberOfFrames: BLOCK } as const;
    recording.encoder.encode(new AudioData({ ...shape, timestamp: (frame * 1e6) / RATE, data: samples }));
  }

  #onEncoded(recording: Recording, chunk: EncodedAudioChunk): void {
    const time = recording.times.shift();
    if (recording !== this.#recording || !this.on || time === undefined) return;
    const packet = new Uint8Array(chunk.byteLength);
    chunk.copyTo(packet);
    this.#around.onPacket(time, packet);
  }

  #fail(recording: Recording, trouble: string): void {
    if (recording !== this.#recording) return;
    this.stop();
    this.trouble = trouble;
    this.#around.onChange();
  }
}

function release(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

function end({ stream, source, node, encoder }: Recording): void {
  release(stream);
  source.disconnect();
  node.port.postMessage("stop");
  if (encoder.state !== "closed") encoder.close();
}

/** What people are told. */
function why(error: unknown): string {
  const { name, message } = error instanceof DOMException ? error : { name: "", message: error instanceof Error ? error.message : String(error) };
  switch (name) {
    case "NotAllowedError":
      return "The browser doesn't let this page use a microphone.";
    case "NotFoundError":
      return "There is no microphone.";
    case "NotReadableError":
      return "The microphone can't be opened; another program may have it.";
    default:
      return `The microphone doesn't work: ${message}`;
  }
}
