/** The microphone's processor in the audio thread: cuts what is recorded into blocks of a packet's length. */

import { BLOCK, type FromCapture } from "./messages";

export class Capture extends AudioWorkletProcessor {
  #block = new Float32Array(BLOCK);
  #filled = 0;
  #stopped = false;

  constructor() {
    super();
    this.port.onmessage = () => {
      this.#stopped = true;
    };
  }

  process(inputs: Float32Array[][]): boolean {
    const input = inputs[0]?.[0];
    // Without an input nothing is recorded (any more), and blocks have no gaps.
    if (!input) this.#filled = 0;
    for (let done = 0; input && done < input.length; ) {
      const count = Math.min(BLOCK - this.#filled, input.length - done);
      this.#block.set(input.subarray(done, done + count), this.#filled);
      this.#filled += count;
      done += count;
      if (this.#filled < BLOCK) continue;
      const message: FromCapture = { frame: currentFrame + done - BLOCK, samples: this.#block };
      this.port.postMessage(message, [this.#block.buffer]);
      this.#block = new Float32Array(BLOCK);
      this.#filled = 0;
    }
    return !this.#stopped;
  }
}
