/** How long to hold the sound back: as short as its packets' lateness of late allows. Twin of viewer/src/audio/depth.rs. */

/** Lateness is counted in steps of this, in µs, and not above the last. */
const STEP = 250;
const STEPS = 4096;
/** What is looked back on, in µs, and at most so many packets. */
const WINDOW = 10_000_000;
const KEPT = 8192;
/** The sum is made this often, in µs. */
const INTERVAL = 100_000;
/** One packet in so many may come later than what is sized for. */
const LATER = 100;
/** The latest packet is remembered for a minute, by parts of so many µs. */
const PART = 5_000_000;
const PARTS = 12;
/** The least delay, in µs. */
const FLOOR = 5_000;
/**
 * What is more than this above the least lateness is not waited for: two round trips, within these bounds (µs). Lost
 * packets are there again after one and a half.
 */
const LEAST_CAP = 40_000;
const MOST_CAP = 250_000;
/**
 * A packet that came too late raises the delay to what it would have needed and this, in µs; and more than this above the
 * latest packet of the last minute is not needed.
 */
const MARGIN = 1_000;
/**
 * But only if it is not alone: packets that are too late within so many µs are one event, and a delay for one that comes
 * once in WINDOW costs more than the few packets that are made up for.
 */
const EVENT = 200_000;
/** So much more at the start, when nothing is known, in µs. */
const CAUTION = 10_000;
/** What comes in the first so many µs may be left over from before we listened, and is forgotten then. */
const PROBATION = 500_000;
/** The delay falls only after so much time of measuring, in µs. */
const SETTLED = 2_000_000;
/** How fast the delay may change: µs per µs. It falls by what is too much in so many µs, but slowly and not too slowly. */
const RISE = 4000e-6;
const FALL = 1000e-6;
const FALL_TIME = 10_000_000;
/** It stays where it is while it is too long by no more than this, in µs. */
const SLACK = 500;
/** What is too long by more than this (µs) is cut off at once: the watchdog sees it and jumps. */
const TOO_LONG = 40_000;

/** Sizes the delay from the game to the ear. All in µs. */
export class Depth {
  readonly #frame: number;
  #cap = LEAST_CAP;
  readonly #counts = new Uint16Array(STEPS);
  /** A ring of when and which step; no garbage is made in the audio thread. */
  readonly #times = new Float64Array(KEPT);
  readonly #steps = new Uint16Array(KEPT);
  #oldest = 0;
  #length = 0;
  /** The highest step of each part, the newest first, and when that began. */
  readonly #worst = new Uint16Array(PARTS);
  #part: number | undefined;
  /** The highest lateness of a packet that came too late, and when it did. */
  #late: { needed: number; at: number } | undefined;
  /** When the newest event began and went on last, and when the one before it was over. */
  #event: { began: number; last: number } | undefined;
  #before: number | undefined;
  #began: number | undefined;
  #proven = false;
  #summed: number | undefined;
  #target = FLOOR;
  #current: number | undefined;
  #last = 0;

  /** For packets of `frame` µs. */
  constructor(frame: number) {
    this.#frame = frame;
  }

  /** The delay that is wanted. */
  get target(): number {
    return this.#target;
  }

  /** The network's round trip, in µs. */
  setRoundTrip(us: number): void {
    this.#cap = clamp(2 * us, LEAST_CAP, MOST_CAP);
  }

  /** A packet came that was not there yet, `lateness` µs after its time stamp. `missed`: too late to be played. */
  arrived(now: number, lateness: number, missed: boolean): void {
    if (!this.#proven && this.#began !== undefined && now - this.#began >= PROBATION) {
      this.#clear();
      this.#proven = true;
    }
    const step = Math.min(Math.max(Math.ceil(lateness / STEP), 0), STEPS - 1);
    while (this.#length > 0 && (now - this.#times[this.#oldest]! > WINDOW || this.#length >= KEPT)) {
      this.#counts[this.#steps[this.#oldest]!]!--;
      this.#oldest = (this.#oldest + 1) % KEPT;
      this.#length--;
    }
    const place = (this.#oldest + this.#length) % KEPT;
    this.#times[place] = now;
    this.#steps[place] = step;
    this.#length++;
    this.#counts[step]!++;
    this.#began ??= now;
    if (this.#part === undefined || now - this.#part >= PART) {
      this.#worst.copyWithin(1, 0);
      this.#worst[0] = 0;
      this.#part = now;
    }
    this.#worst[0] = Math.max(this.#worst[0]!, step);
    const needed = step * STEP + MARGIN;
    if (missed && this.#again(now) && (!this.#late || needed >= this.#late.needed || now - this.#late.at > WINDOW)) {
      this.#late = { needed, at: now };
      this.#summed = undefined;
    }
    if (this.#summed === undefined || now - this.#summed >= INTERVAL) {
      this.#summed = now;
      this.#target = this.#sum(now);
    }
  }

  /** A packet is too late at `now`; whether others were before, in another event, or are for long. */
  #again(now: number): boolean {
    if (this.#event && now - this.#event.last <= EVENT) this.#event.last = now;
    else {
      this.#before = this.#event?.last;
      this.#event = { began: now, last: now };
    }
    const again = this.#before !== undefined && now - this.#before <= WINDOW;
    return again || now - this.#event.began > EVENT;
  }

  /** What was measured is true no longer. */
  forget(): void {
    this.#clear();
    this.#began = undefined;
    this.#proven = false;
  }

  #clear(): void {
    this.#counts.fill(0);
    this.#length = 0;
    this.#worst.fill(0);
    this.#part = undefined;
    this.#late = undefined;
    this.#event = undefined;
    this.#before = undefined;
    this.#summed = undefined;
  }

  /** The delay that the packets of late ask for. */
  #sum(now: number): number {
    const allowed = Math.floor(this.#length / LATER);
    let high = STEPS - 1;
    let above = this.#counts[high]!;
    while (high > 0 && above <= allowed) above += this.#counts[--high]!;
    let least = 0;
    while (least < STEPS - 1 && this.#counts[least] === 0) least++;
    let wanted = Math.min(high * STEP + this.#frame, Math.max(...this.#worst) * STEP + MARGIN);
    if (this.#late && now - this.#late.at <= WINDOW) wanted = Math.max(wanted, this.#late.needed);
    return Math.max(Math.min(wanted, least * STEP + this.#frame + this.#cap), FLOOR);
  }

  /** Playing begins, or begins again after nothing was heard: the delay may be anything now. */
  start(now: number): number {
    this.#current = this.#target + (this.#settled(now) ? 0 : CAUTION);
    this.#last = now;
    return this.#current;
  }

  /** Moves the delay a little towards what is asked for. Returns the delay and how fast it changes, in µs per µs. */
  advance(now: number): [delay: number, slope: number] {
    const current = this.#current ?? this.#target;
    const elapsed = Math.max(now - this.#last, 0);
    this.#last = now;
    const over = current - this.#target;
    let [change, slope] = [0, 0];
    if (over < 0) [change, slope] = [Math.min(RISE * elapsed, -over), RISE];
    else if (this.#known(now) && over > TOO_LONG) change = -over;
    else if (this.#settled(now) && over > SLACK) {
      const fall = clamp(over / FALL_TIME, FALL, RISE);
      [change, slope] = [-Math.min(fall * elapsed, over - SLACK), -fall];
    }
    this.#current = current + change;
    return [this.#current, slope];
  }

  /** As much has been measured as was forgotten. */
  #known(now: number): boolean {
    return this.#proven && this.#began !== undefined && now - this.#began >= 2 * PROBATION;
  }

  #settled(now: number): boolean {
    return this.#began !== undefined && now - this.#began >= SETTLED;
  }
}

/** `value`, or the bound that it is beyond. */
export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
