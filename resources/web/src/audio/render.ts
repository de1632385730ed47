/**
 * Turns the player's decisions into samples. Twin of viewer/src/audio/render.rs. Runs in the audio thread; owns which
 * packets wait in the slots.
 */

import { Concealer } from "./conceal";
import type { Event } from "./control";
import { heardAt, type Line, RATE } from "./device";
import { type Metrics, Player } from "./player";
import { MAX_FRAMES, SLOTS, type Slots } from "./slots";
import { Stalls } from "./stalls";
import { Stretch } from "./stretch";

/** Of what came before anything was asked for, only the last few packets are not over. */
const KEPT = 2;
/** No more that are new are looked at than this: those before are being written over. */
const READABLE = SLOTS - 16;
/** A fade takes so many frames: 2.5 ms. */
const FADE = 120;

export class Renderer {
  /** Undefined: no packet has come. Packets of another length have another player. */
  #player: Player | undefined;
  #frame = 0;
  #roundTrip: number | undefined;
  readonly #stalls = new Stalls();
  readonly #slots: Slots;
  readonly #stretch: Stretch;
  readonly #concealer: Concealer;
  /** The next packet to be looked at (undefined: nothing has been asked for yet), and those that wait by their time stamps. */
  #seen: number | undefined;
  readonly #waiting = new Map<number, number>();
  readonly #block: Float32Array[];
  readonly #before: Float32Array[];
  readonly #onEvent: (event: Event) => void;

  constructor(slots: Slots, onEvent: (event: Event) => void) {
    this.#slots = slots;
    this.#stretch = new Stretch(slots.channels);
    this.#concealer = new Concealer(slots.channels);
    this.#block = Array.from({ length: slots.channels }, () => new Float32Array(MAX_FRAMES));
    this.#before = Array.from({ length: slots.channels }, () => new Float32Array(FADE));
    this.#onEvent = onEvent;
  }

  /** What was measured; undefined: nothing has come yet. */
  get metrics(): Metrics | undefined {
    return this.#player?.metrics;
  }

  /** The network's round trip, in µs. */
  setRoundTrip(us: number): void {
    this.#roundTrip = us;
    this.#player?.setRoundTrip(us);
  }

  /** The device's clock has stepped. */
  slipped(): void {
    this.#player?.slipped();
  }

  /**
   * Fills the planes; `frame` is the device's number of their first frame, `line` tells when it is heard. `nowMs`: of any
   * clock.
   */
  render(line: Line, frame: number, nowMs: number, planes: readonly Float32Array[]): void {
    const now = heardAt(line, frame);
    if (this.#stalls.step(nowMs)) this.#player?.stoodStill(now);
    this.#look(now);
    const [player, wanted] = [this.#player, planes[0]?.length ?? 0];
    if (!player) return;
    for (let done = 0; done < wanted; ) {
      if (this.#stretch.ready === 0) this.#next(player, heardAt(line, frame + done));
      else done += this.#stretch.pop(planes, done, wanted - done);
    }
  }

  /** Takes note of the packets that have come. */
  #look(now: number): void {
    const slots = this.#slots;
    const written = slots.written;
    // How late that is says nothing of the way here; later on, only what the player is told makes the delay long enough.
    let index = this.#seen ?? Math.max(written - KEPT, 0);
    for (index = Math.max(index, written - READABLE); index < written; index++) {
      const pts = slots.pts(index);
      const fate = this.#playerFor(slots.frames(index)).arrived(now, pts, slots.number(index));
      if (fate === "kept") this.#waiting.set(pts, index);
    }
    this.#seen = written;
    // What the player has let go of is told only when a packet is played, which may never be; its slot is another's by then.
    for (const [pts, index] of this.#waiting) {
      if (index > written - SLOTS) break;
      this.#waiting.delete(pts);
    }
  }

  #playerFor(frame: number): Player {
    if (this.#player && this.#frame === frame) return this.#player;
    this.#frame = frame;
    this.#player = new Player((frame * 1e6) / RATE);
    this.#waiting.clear();
    if (this.#roundTrip !== undefined) this.#player.setRoundTrip(this.#roundTrip);
    return this.#player;
  }

  #next(player: Player, at: number): void {
    const { sound, us, fade, speed, event } = player.pull(at);
    if (event) this.#onEvent(event);
    const frames = Math.min(Math.max(Math.round((us * RATE) / 1e6), 1), MAX_FRAMES);
    for (const plane of this.#block) plane.fill(0, 0, frames);
    if (sound.kind === "packet") this.#copy(sound.pts, Math.round((sound.skip * RATE) / 1e6), frames);
    if (sound.kind === "conceal") this.#concealer.goOn(this.#block, frames);
    else {
      if (fade) this.#fade(Math.min(frames, FADE));
      this.#concealer.heard(this.#block, frames);
    }
    this.#stretch.push(this.#block, frames, speed);
  }

  #copy(pts: number, skip: number, frames: number): void {
    const number = this.#waiting.get(pts);
    // Older ones won't be asked for. A slot that was written over in the meantime is no loss worth noting.
    for (const other of this.#waiting.keys()) if (other <= pts) this.#waiting.delete(other);
    if (number === undefined || this.#slots.pts(number) !== pts) return;
    const there = Math.min(frames, this.#slots.frames(number) - skip);
    if (there <= 0) return;
    this.#block.forEach((plane, c) => plane.set(this.#slots.plane(number, c).subarray(skip, skip + there)));
  }

  #fade(frames: number): void {
    this.#concealer.goOn(this.#before, frames);
    this.#block.forEach((plane, c) => {
      const before = this.#before[c]!;
      for (let n = 0; n < frames; n++) {
        const weight = (n + 1) / (frames + 1);
        plane[n] = plane[n]! * weight + before[n]! * (1 - weight);
      }
    });
  }
}
