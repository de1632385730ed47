/**
 * Decodes and paints: a frame is painted the moment the decoder gives it out, without a buffer. Owns the decoder and
 * the canvas' picture.
 */

import type { VideoConfig } from "./catalog";
import { nowUs } from "./clock";
import type { Chunk } from "./worker/messages";

/** What happens to frames. */
export interface Events {
  onDecoded(ptsUs: number, at: number, frame: VideoFrame): void;
  onPainted(ptsUs: number, at: number): void;
  /** The picture's size changed. */
  onSize(width: number, height: number): void;
  /** Nothing can be decoded before the next key frame. */
  onLost(why: string): void;
  /** The browser can't decode this at all. */
  onUnsupported(codec: string): void;
}

/** More frames than these waiting in the decoder: it is better to start afresh than to show the past. */
const MAX_QUEUE = 30;
/** A key frame is asked for at most this often, in µs. */
const ASK_INTERVAL = 1_000_000;

export class Video {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #events: Events;
  #decoder: VideoDecoder | undefined;
  #config: VideoConfig | undefined;
  /** What the decoder was configured for. */
  #codec: string | undefined;
  #waitsForKey = true;
  /** Why a key frame is needed that the server doesn't know of. */
  #why: string | undefined;
  /** Came before the catalog did: one group at most. */
  #early: Chunk[] = [];
  #asked = -Infinity;
  /** "hardware" or "software"; what the browser would use, it doesn't tell what it does. */
  decoderKind = "unknown";

  constructor(canvas: HTMLCanvasElement, events: Events) {
    // Desynchronized: the canvas is shown without waiting for the page's own frame, where the platform can. Of the
    // ways to paint a frame this costs least without a GPU too (720p: 3 ms; ImageBitmap 5, WebGL 14).
    const context = canvas.getContext("2d", { alpha: false, desynchronized: true });
    if (!context) throw new Error("the browser has no 2d canvas");
    this.#canvas = canvas;
    this.#context = context;
    this.#events = events;
  }

  get codec(): string | undefined {
    return this.#codec;
  }

  /** A catalog came. It takes effect at the next key frame. */
  configure(config: VideoConfig): void {
    this.#config = config;
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) this.decode(chunk);
  }

  /** A new session: what was begun won't be continued. */
  restart(): void {
    this.#waitsForKey = true;
    this.#why = undefined;
    this.#config = undefined;
    this.#early = [];
    this.#asked = -Infinity;
  }

  /** Takes the next frame of the stream. */
  decode(chunk: Chunk): void {
    if (!this.#config) {
      if (chunk.key) this.#early = [];
      this.#early.push(chunk);
      return;
    }
    if (chunk.key && !this.#start(this.#config)) return;
    if (this.#waitsForKey || !this.#decoder) return;
    if (this.#decoder.decodeQueueSize > MAX_QUEUE) return this.#lost("the decoder is too slow");
    const type = chunk.key ? "key" : "delta";
    try {
      this.#decoder.decode(new EncodedVideoChunk({ type, timestamp: chunk.ptsUs, data: chunk.data }));
    } catch (error) {
      this.#lost(String(error));
    }
  }

  /** A key frame comes: makes the decoder ready for it. */
  #start(config: VideoConfig): boolean {
    this.#waitsForKey = false;
    this.#why = undefined;
    const decoder = this.#decoder;
    if (decoder?.state === "configured" && this.#codec === config.codec) {
      // What still waits is older than the key frame.
      if (decoder.decodeQueueSize <= 2) return true;
      decoder.reset();
    }
    try {
      this.#decoder = decoder && decoder.state !== "closed" ? decoder : this.#newDecoder();
      // No description: parameter sets are inline (Annex B). No size: it is in them.
      const settings: VideoDecoderConfig = { codec: config.codec, optimizeForLatency: true };
      this.#decoder.configure(settings);
      if (this.#codec !== config.codec) void this.#learnKind(settings);
      this.#codec = config.codec;
      return true;
    } catch (error) {
      console.error("the decoder can't be configured:", error);
      this.#waitsForKey = true;
      this.#events.onUnsupported(config.codec);
      return false;
    }
  }

  #newDecoder(): VideoDecoder {
    const decoder = new VideoDecoder({
      output: (frame) => this.#onFrame(frame),
      error: (error) => {
        if (decoder !== this.#decoder) return;
        if (error.name === "NotSupportedError" && this.#codec) this.#events.onUnsupported(this.#codec);
        else this.#lost(error.message);
      },
    });
    return decoder;
  }

  async #learnKind(settings: VideoDecoderConfig): Promise<void> {
    const wish = await VideoDecoder.isConfigSupported({ ...settings, hardwareAcceleration: "prefer-hardware" });
    this.decoderKind = wish.supported ? "hardware" : "software";
  }

  #onFrame(frame: VideoFrame): void {
    const at = nowUs();
    try {
      this.#events.onDecoded(frame.timestamp, at, frame);
      const { displayWidth: width, displayHeight: height } = frame;
      if (this.#canvas.width !== width || this.#canvas.height !== height) {
        this.#canvas.width = width;
        this.#canvas.height = height;
        this.#events.onSize(width, height);
      }
      this.#context.drawImage(frame, 0, 0);
      this.#events.onPainted(frame.timestamp, nowUs());
    } finally {
      frame.close();
    }
  }

  #lost(why: string): void {
    this.#waitsForKey = true;
    this.#why = why;
    if (this.#decoder && this.#decoder.state !== "closed") this.#decoder.reset();
    this.poll();
  }

  /** Asks again for a key frame that hasn't come. Call it now and then. */
  poll(): void {
    const now = nowUs();
    if (this.#why === undefined || now - this.#asked < ASK_INTERVAL) return;
    this.#asked = now;
    this.#events.onLost(this.#why);
  }
}
