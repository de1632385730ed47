/** The page's side of its worker (src/worker): media sessions, and the sound's decoder. Owns the worker. */

import type { Packet } from "./audio/packet";
import type { AudioConfig, VideoConfig } from "./catalog";
import { Unreachable } from "./session";
import type { Address } from "./wire/connect";
import type { Update } from "./wire/cursor";
import type { Chunk, FromSession, FromVoice, FromWorker, Sink, ToWorker } from "./worker/messages";

/** What a media session tells the page. */
export interface Events {
  onConfig(config: VideoConfig): void;
  /** A catalog came; what it says of the sound is in it. */
  onCatalog(catalog: unknown): void;
  onChunk(chunk: Chunk): void;
  onCursor(updates: Update[]): void;
}

/** What is told of a rendition that is being decoded. */
export interface VoiceEvents {
  /** A packet was there only because it was repeated. */
  onHelped(): void;
  /** It can't go on. */
  onFailed(why: string): void;
}

/** The worker's file. */
const WORKER = "/worker.js";

/** A media session that is open. */
export class Media {
  readonly #end: () => void;
  /** Settles when the session is over, never rejects. */
  readonly closed: Promise<void>;

  constructor(closed: Promise<void>, end: () => void) {
    this.closed = closed;
    this.#end = end;
  }

  close(): void {
    this.#end();
  }
}

/** A session that is opened or open. */
interface Opening {
  number: number;
  events: Events;
  onOpened(): void;
  onRefused(why: Error): void;
  onClosed(): void;
}

export class Receiver {
  #worker = this.#start();
  /** The worker has failed, or never began: the next session has another. */
  #broken = false;
  #numbers = 0;
  #session: Opening | undefined;
  #voice: { number: number; events: VoiceEvents } | undefined;

  #start(): Worker {
    const worker = new Worker(WORKER, { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
      if ("session" in data) {
        if (this.#session?.number === data.session) onSession(this.#session, data.said);
      } else if (this.#voice?.number === data.voice) onVoice(this.#voice.events, data.said);
    });
    worker.addEventListener("error", (event) => {
      if (worker !== this.#worker) return;
      console.error("the worker failed:", event.message);
      worker.terminate();
      this.#broken = true;
      this.#session?.onRefused(new Unreachable("the worker failed"));
      this.#session?.onClosed();
    });
    return worker;
  }

  /** Opens the media session; the one before is over. Rejects if the server doesn't let us in. */
  open(address: Address, events: Events): Promise<Media> {
    this.close();
    if (this.#broken) this.#worker = this.#start();
    this.#broken = false;
    const number = ++this.#numbers;
    return new Promise((resolve, reject) => {
      let over: () => void = () => undefined;
      const closed = new Promise<void>((resolve) => {
        over = resolve;
      });
      const end = (): void => (this.#session?.number === number ? this.close() : undefined);
      this.#session = {
        number,
        events,
        onOpened: () => resolve(new Media(closed, end)),
        onRefused: reject,
        onClosed: over,
      };
      this.#tell({ kind: "open", session: number, address, origin: performance.timeOrigin });
    });
  }

  /** Ends the session, if there is one. */
  close(): void {
    const session = this.#session;
    this.#session = undefined;
    this.#tell({ kind: "close" });
    session?.onRefused(new Error("it was closed"));
    session?.onClosed();
  }

  /** Which track of the sound to read, a rendition's or the redundant one beside it; undefined: none. */
  listen(track: string | undefined): void {
    this.#tell({ kind: "listen", track });
  }

  /** Decodes this rendition from now on, and no other. */
  decode(config: AudioConfig, sink: Sink, events: VoiceEvents): void {
    const number = ++this.#numbers;
    this.#voice = { number, events };
    this.#tell({ kind: "voice", voice: number, config, sink }, "port" in sink ? [sink.port] : []);
  }

  /** Decodes nothing any more. */
  silence(): void {
    this.#voice = undefined;
    this.#tell({ kind: "silence" });
  }

  /** Packets as if they had come; for tests. */
  packets(name: string, newest: Packet, earlier: Packet[]): void {
    this.#tell({ kind: "packets", name, newest, earlier });
  }

  #tell(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}

function onSession({ events, onOpened, onRefused, onClosed }: Opening, said: FromSession): void {
  switch (said.kind) {
    case "opened":
      return onOpened();
    case "refused":
      return onRefused(new Error(said.why));
    case "closed":
      return onClosed();
    case "catalog":
      return events.onCatalog(said.catalog);
    case "config":
      return events.onConfig(said.config);
    case "chunk":
      return events.onChunk(said.chunk);
    case "cursor":
      return events.onCursor(said.updates);
  }
}

function onVoice(events: VoiceEvents, said: FromVoice): void {
  if (said.kind === "helped") events.onHelped();
  else events.onFailed(said.why);
}
