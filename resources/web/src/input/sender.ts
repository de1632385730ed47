/**
 * The client's end of the input protocol: turns what the devices do into batches, and repeats them until the server
 * has them. Twin of protocols/src/input/sender.rs, held to it by protocols/vectors. Pure: `now` is an argument, in
 * whole µs of a clock that never runs backwards.
 */

import type { Ack } from "../wire/datagram";
import { type Batch, isButton, Keys, MAX_EDGES, type Place } from "../wire/input";

/** When the sender sends, in µs; why: protocols/stream.md. */
export interface Timing {
  /** Motion alone is sent at most this often. */
  motion: number;
  /** A change is repeated after this … */
  repeat: number;
  /** … then this often, while anything is held or not acknowledged. */
  heartbeat: number;
  /** After this long without an acknowledgement the server is taken for gone … */
  patience: number;
  /** … and the heartbeat slows to this. */
  idleHeartbeat: number;
}

const DEFAULT_TIMING: Timing = {
  motion: 1_000,
  repeat: 4_000,
  heartbeat: 8_000,
  patience: 1_000_000,
  idleHeartbeat: 100_000,
};

/** An edge not yet acknowledged. */
interface Pending {
  code: number;
  pressed: boolean;
  at: number;
  place: Place | undefined;
}

/** Motion or scrolling in one direction: what of it is a whole 1/256 is in `sum`. */
interface Axis {
  sum: number;
  carry: number;
}

/** More in one step is a broken device; it also keeps every step far from a wrap. */
const MAX_STEP = 1_000_000;

/** Makes an epoch's batches. Call `poll` after each change and at each `deadline`, and send what it gives. */
export class Sender {
  readonly #timing: Timing;
  #epoch: number;
  #seq = 0;
  #edgeSeq = 0;
  #edges: Pending[] = [];
  #held = new Keys();
  #motion: { x: Axis; y: Axis } = { x: { sum: 0, carry: 0 }, y: { sum: 0, carry: 0 } };
  #scroll: { x: Axis; y: Axis } = { x: { sum: 0, carry: 0 }, y: { sum: 0, carry: 0 } };
  #absolute = { seq: 0, x: 0, y: 0 };
  #frame = 0;
  /** A change waits to be sent since or until this time. */
  #due: number | undefined;
  /** The last batch; `first`: it was the first to carry a change. */
  #sent: { at: number; first: boolean } | undefined;
  /** The first batch with the newest change. */
  #changedIn = 0;
  /** The newest acknowledgement's batch, and when it came. */
  #acked: { batch: number; at: number } | undefined;
  /** Since when the server owes an acknowledgement. */
  #waitingSince: number | undefined;

  /** A sender at the start of an epoch: any number will do for a new connection. */
  constructor(epoch: number, timing: Timing = DEFAULT_TIMING) {
    this.#epoch = epoch >>> 0;
    this.#timing = timing;
  }

  /** A key or button went down or up. Ignored if it already is so (auto-repeat) or the wire can't carry it. */
  key(now: number, code: number, pressed: boolean): void {
    if (!this.#held.set(code, pressed)) return;
    this.#edgeSeq = (this.#edgeSeq + 1) >>> 0;
    this.#edges.push({ code, pressed, at: now, place: isButton(code) ? this.#place() : undefined });
    // What is cut off is still in the state.
    if (this.#edges.length > MAX_EDGES) this.#edges.shift();
    this.#due = now;
  }

  /** The pointer moved by so much, in output pixels. */
  relative(now: number, dx: number, dy: number): void {
    const x = add(this.#motion.x, dx);
    const y = add(this.#motion.y, dy);
    if (x || y) this.#motionDue(now);
  }

  /** The wheel or pad scrolled by so much, in 120ths of a detent. */
  scroll(now: number, dx: number, dy: number): void {
    const x = add(this.#scroll.x, dx);
    const y = add(this.#scroll.y, dy);
    if (x || y) this.#motionDue(now);
  }

  /** The pointer is here, as a fraction of the output; outside 0 to 1 is the nearest edge. */
  absolute(now: number, fx: number, fy: number): void {
    const part = (v: number): number => Math.floor(Math.min(1, Math.max(0, v)) * 65535 + 0.5);
    const [x, y] = [part(fx), part(fy)];
    const last = this.#absolute;
    if (last.seq !== 0 && last.x === x && last.y === y) return;
    // 0 stands for "none yet", so the count steps over it when it wraps.
    this.#absolute = { seq: (last.seq + 1) >>> 0 || 1, x, y };
    this.#motionDue(now);
  }

  /** The newest frame shown, named by the batches from now on. */
  shown(frame: number): void {
    this.#frame = frame;
  }

  /** The page lost the keyboard: lets go of all that is held. */
  blur(now: number): void {
    for (const code of this.#held.list()) this.key(now, code, false);
  }

  /** Starts a new epoch: nothing held, motion from zero. */
  reset(now: number): void {
    this.#epoch = (this.#epoch + 1) >>> 0;
    this.#seq = 0;
    this.#edgeSeq = 0;
    this.#edges = [];
    this.#held = new Keys();
    this.#motion = { x: { sum: 0, carry: 0 }, y: { sum: 0, carry: 0 } };
    this.#scroll = { x: { sum: 0, carry: 0 }, y: { sum: 0, carry: 0 } };
    this.#absolute = { seq: 0, x: 0, y: 0 };
    this.#due = now;
    this.#sent = undefined;
    this.#changedIn = 0;
    this.#acked = undefined;
    this.#waitingSince = undefined;
  }

  /** The server's answer came. */
  onAck(now: number, ack: Ack): void {
    const old = this.#acked !== undefined && !after(ack.batch, this.#acked.batch);
    // Beyond `seq` is what was never sent.
    if (ack.epoch !== this.#epoch || old || after(ack.batch, this.#seq)) return;
    this.#acked = { batch: ack.batch, at: now };
    const unsettled = (this.#edgeSeq - ack.edge) >>> 0;
    if (this.#edges.length > unsettled) this.#edges.splice(0, this.#edges.length - unsettled);
    this.#waitingSince = this.#isActive() ? now : undefined;
  }

  /** When to call `poll` next; undefined: not before the next change. */
  deadline(): number | undefined {
    if (this.#due !== undefined) return this.#due;
    const sent = this.#sent;
    if (!sent || !this.#isActive()) return undefined;
    if (sent.first && this.#isUnacked()) return sent.at + this.#timing.repeat;
    const waited = this.#waitingSince === undefined ? 0 : sent.at - this.#waitingSince;
    return sent.at + (waited > this.#timing.patience ? this.#timing.idleHeartbeat : this.#timing.heartbeat);
  }

  /** The batch to send now, if one is due. */
  poll(now: number): Batch | undefined {
    const deadline = this.deadline();
    if (deadline === undefined || deadline > now) return undefined;
    this.#seq = (this.#seq + 1) >>> 0;
    const first = this.#due !== undefined;
    this.#due = undefined;
    if (first) this.#changedIn = this.#seq;
    this.#sent = { at: now, first };
    this.#waitingSince ??= now;
    const held = new Keys();
    held.keys.set(this.#held.keys);
    held.buttons = this.#held.buttons;
    return {
      epoch: this.#epoch,
      seq: this.#seq,
      time: now,
      lastAck: this.#acked?.batch ?? 0,
      ackAge: this.#acked ? age(now, this.#acked.at) : 0,
      frame: this.#frame,
      place: this.#place(),
      scrollX: this.#scroll.x.sum,
      scrollY: this.#scroll.y.sum,
      held,
      edgeSeq: this.#edgeSeq,
      edges: this.#edges.map((e) => ({ code: e.code, pressed: e.pressed, age: age(now, e.at), place: e.place })),
    };
  }

  /** Whether anything is held. */
  get holds(): boolean {
    return !this.#held.empty;
  }

  #place(): Place {
    const { seq, x, y } = this.#absolute;
    return { motionX: this.#motion.x.sum, motionY: this.#motion.y.sum, absoluteSeq: seq, x, y };
  }

  #motionDue(now: number): void {
    const earliest = Math.max(now, this.#sent ? this.#sent.at + this.#timing.motion : now);
    this.#due = Math.min(this.#due ?? earliest, earliest);
  }

  /** The newest change may not have arrived. */
  #isUnacked(): boolean {
    return this.#edges.length > 0 || this.#acked === undefined || after(this.#changedIn, this.#acked.batch);
  }

  #isActive(): boolean {
    return this.#due !== undefined || !this.#held.empty || this.#isUnacked();
  }
}

/** Whether `a` comes after `b` among numbers that wrap at 2^32. */
function after(a: number, b: number): boolean {
  return ((a - b) | 0) > 0;
}

/** µs from `at` to `now`, as far as the wire can say. */
function age(now: number, at: number): number {
  return Math.min(0xffff_ffff, Math.max(0, now - at));
}

/** Adds `delta` units to a sum in 1/256 units, keeping the rest; tells whether the sum changed. */
function add(axis: Axis, delta: number): boolean {
  if (!Number.isFinite(delta)) return false;
  axis.carry += Math.min(MAX_STEP, Math.max(-MAX_STEP, delta)) * 256;
  const whole = Math.floor(axis.carry);
  axis.carry -= whole;
  axis.sum = (axis.sum + whole) | 0;
  return whole !== 0;
}
