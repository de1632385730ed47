/** The `/control` session: the control stream, input datagrams, clock and frame reports. Owns its WebTransport. */

import { Estimator, nowUs } from "./clock";
import { Sender } from "./input/sender";
import { encodeMicrophone, MAX_MICROPHONE } from "./wire/audio";
import { type Bye, Decoder, encode, type MicrophoneState, type Role, type Scene, type ToClient, type ToServer, VERSION, type Welcome } from "./wire/control";
import { decode, encodePing, encodeReport, MAX_SEEN, type Seen, type Times } from "./wire/datagram";
import { encodeBatch } from "./wire/input";

/** What the session tells the page. */
export interface Events {
  onWelcome(welcome: Welcome): void;
  onRole(role: Role): void;
  onScene(scene: Scene): void;
  onTimes(times: Times): void;
  onMicrophone(state: MicrophoneState): void;
  onBye(bye: Bye): void;
}

/** Reports are collected for this long, so that they cost a few datagrams a second. */
const REPORT_INTERVAL = 100_000;
/** After so many pings without an answer the server is gone; QUIC itself would wait for half a minute. */
const MAX_UNANSWERED = 5;

export class Control {
  readonly clock = new Estimator();
  readonly sender = new Sender(crypto.getRandomValues(new Uint32Array(1))[0] ?? 0);
  readonly #transport: WebTransport;
  readonly #events: Events;
  readonly #stream: WritableStreamDefaultWriter<BufferSource>;
  readonly #datagrams: WritableStreamDefaultWriter<BufferSource>;
  #seen: Seen[] = [];
  #lastReport = 0;
  #timer: number | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #unanswered = 0;
  /** Packets of the microphone so far. */
  #spoken = 0;
  /** May send input. */
  #holds = false;
  #closed = false;

  /** Settles when the session is over, never rejects. */
  readonly closed: Promise<void>;
  #onClose: () => void = () => undefined;

  private constructor(transport: WebTransport, stream: WebTransportBidirectionalStream, events: Events) {
    this.#transport = transport;
    this.#events = events;
    this.#stream = stream.writable.getWriter();
    this.#datagrams = transport.datagrams.writable.getWriter();
    this.closed = new Promise((resolve) => {
      this.#onClose = resolve;
    });
    for (const part of [this.#readStream(stream.readable), this.#readDatagrams(), transport.closed]) {
      part.then(
        () => this.close(),
        (error: unknown) => {
          if (!this.#closed) console.warn("the control session ended:", error);
          this.close();
        },
      );
    }
  }

  /** Opens the control stream on a connected session and says hello. */
  static async open(transport: WebTransport, wantInput: boolean, name: string, events: Events): Promise<Control> {
    const stream = await transport.createBidirectionalStream({ sendOrder: 1 });
    const control = new Control(transport, stream, events);
    control.send({ kind: "hello", version: VERSION, wantInput, name });
    control.tick();
    return control;
  }

  /** Sends a message on the control stream. */
  send(message: ToServer): void {
    if (this.#closed) return;
    this.#stream.write(encode(message)).catch(() => this.close());
  }

  /** Sends a packet of the microphone, recorded from `time` (µs of the server's clock) on. */
  speak(time: number, packet: Uint8Array): void {
    if (packet.length <= MAX_MICROPHONE) this.#datagram(encodeMicrophone(++this.#spoken, time, packet));
  }

  /** Tells the server what we saw of a frame, soon. */
  report(seen: Seen): void {
    this.#seen.push(seen);
    if (this.#seen.length >= MAX_SEEN) this.#sendReport(nowUs());
    else this.tick();
  }

  /** Sends what is due and sets the timer for what is next. Call after each change of `sender`. */
  tick(): void {
    if (this.#closed) return;
    const now = nowUs();
    const batch = this.#holds ? this.sender.poll(now) : undefined;
    if (batch) this.#datagram(encodeBatch(batch));
    if (this.clock.poll(now)) {
      if (this.#unanswered++ >= MAX_UNANSWERED) return this.close();
      this.#datagram(encodePing(now));
    }
    if (this.#seen.length > 0 && now >= this.#lastReport + REPORT_INTERVAL) this.#sendReport(now);
    const input = this.#holds ? this.sender.deadline() : undefined;
    const report = this.#seen.length > 0 ? this.#lastReport + REPORT_INTERVAL : undefined;
    this.#wakeAt(Math.min(this.clock.deadline(), input ?? Infinity, report ?? Infinity), now);
  }

  /** Ends the session. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#onClose();
    try {
      this.#transport.close();
    } catch {
      // It was closed already.
    }
  }

  #wakeAt(at: number, now: number): void {
    // A timer that rings too early only leads here again.
    if (this.#timer !== undefined && this.#timerAt <= at) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    // Timers of hidden pages are slowed to one a second; nothing is held then, so only reports and pings wait.
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.tick();
    }, Math.max(0, Math.ceil((at - now) / 1000)));
  }

  #sendReport(now: number): void {
    this.#datagram(encodeReport(this.clock.offset(now), this.#seen));
    this.#seen = [];
    this.#lastReport = now;
  }

  #datagram(bytes: Uint8Array<ArrayBuffer>): void {
    // A lost datagram is made up for by the next; the end of the session shows in `closed`.
    this.#datagrams.write(bytes).catch(() => undefined);
  }

  async #readStream(readable: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new Decoder();
    for await (const bytes of chunks(readable)) for (const message of decoder.push(bytes)) this.#onMessage(message);
  }

  #onMessage(message: ToClient): void {
    switch (message.kind) {
      case "welcome":
        return this.#events.onWelcome(message);
      case "role":
        return this.#onRole(message);
      case "scene":
        return this.#events.onScene(message);
      case "bye":
        return this.#events.onBye(message);
      case "microphone":
        return this.#events.onMicrophone(message);
    }
  }

  #onRole(role: Role): void {
    // The server let everything go when the role changed hands: so do we.
    if (role.input && !this.#holds) this.sender.reset(nowUs());
    this.#holds = role.input;
    this.#events.onRole(role);
    this.tick();
  }

  async #readDatagrams(): Promise<void> {
    for await (const bytes of chunks(this.#transport.datagrams.readable as ReadableStream<Uint8Array>)) {
      const now = nowUs();
      try {
        this.#onDatagram(now, bytes);
      } catch (error) {
        console.warn("a malformed datagram from the server:", error);
      }
    }
  }

  #onDatagram(now: number, bytes: Uint8Array): void {
    const datagram = decode(bytes);
    switch (datagram.kind) {
      case "ack":
        this.sender.onAck(now, datagram);
        return this.tick();
      case "pong":
        this.#unanswered = 0;
        return void this.clock.onPong(now, datagram);
      case "times":
        return this.#events.onTimes(datagram);
    }
  }
}

/** What a stream gives. (Chromium's streams can be iterated only since 124.) */
async function* chunks(readable: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = readable.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    yield value;
  }
}
