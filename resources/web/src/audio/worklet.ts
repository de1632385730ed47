/** The audio thread's entry, bundled by itself: a processor that plays one stream, and the microphone's. */

import { Capture } from "./capture";
import type { Line } from "./device";
import { fold } from "./fold";
import { CAPTURE, type FromThread, type Options, PROCESSOR, type ToThread } from "./messages";
import { Renderer } from "./render";
import { Slots } from "./slots";

/** Figures are told this often, in frames: ten times a second. */
const INTERVAL = 4_800;
/** Frames that are asked for at once: as Web Audio has it where nothing else is said. */
const QUANTUM = 128;

class Processor extends AudioWorkletProcessor {
  readonly #slots: Slots;
  readonly #renderer: Renderer;
  /** A place for all channels, where fewer are given out. */
  readonly #all: Float32Array[] | undefined;
  #line: Line | undefined;
  #told = 0;
  #tap = false;
  #stopped = false;

  constructor({ processorOptions: { channels, heard, buffer } }: { processorOptions: Options }) {
    super();
    this.#all = heard < channels ? Array.from({ length: channels }, () => new Float32Array(QUANTUM)) : undefined;
    this.#slots = new Slots(channels, buffer ?? new ArrayBuffer(Slots.bytes(channels)));
    this.#renderer = new Renderer(this.#slots, (event) => this.#tell({ kind: "event", event }));
    this.port.onmessage = ({ data }: MessageEvent<ToThread>) => this.#onMessage(data);
  }

  process(_inputs: unknown, outputs: Float32Array[][]): boolean {
    const planes = outputs[0];
    if (this.#stopped) return false;
    if (!planes || !this.#line) return true;
    const all = this.#all ?? planes;
    this.#renderer.render(this.#line, currentFrame, Date.now(), all);
    if (this.#tap) this.#tell({ kind: "tap", frame: currentFrame, planes: all.map((plane) => plane.slice()) });
    if (all !== planes) {
      fold(all);
      planes.forEach((plane, c) => plane.set(all[c]!));
    }
    if (currentFrame >= this.#told + INTERVAL) {
      this.#told = currentFrame;
      const { metrics } = this.#renderer;
      if (metrics) this.#tell({ kind: "metrics", metrics });
    }
    return true;
  }

  #onMessage(message: ToThread): void {
    switch (message.kind) {
      case "line":
        this.#line = message.line;
        if (message.slipped) this.#renderer.slipped();
        if (message.roundTripUs !== undefined) this.#renderer.setRoundTrip(message.roundTripUs);
        return;
      case "packets":
        message.port.onmessage = ({ data }: MessageEvent<ToThread>) => this.#onMessage(data);
        return;
      case "packet": {
        const { place, planes } = message;
        return this.#slots.write(place, planes[0]?.length ?? 0, (c, slot) => {
          const plane = planes[c];
          if (plane) slot.set(plane.subarray(0, slot.length));
        });
      }
      case "tap":
        this.#tap = message.on;
        return;
      case "stop":
        this.#stopped = true;
    }
  }

  #tell(message: FromThread): void {
    this.port.postMessage(message);
  }
}

registerProcessor(PROCESSOR, Processor);
registerProcessor(CAPTURE, Capture);
