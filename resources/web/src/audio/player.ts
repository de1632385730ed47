/**
 * Decides what is heard when. Twin of viewer/src/audio/player.rs, held to it by protocols/vectors/audio-player.json.
 * Pure; runs in the audio thread. Owns the packets' time stamps, not their contents.
 *
 * Times are those of the server's clock at the ear, in µs: the time of a sample is when it will be heard, and a packet is
 * there when it could be heard at the earliest.
 */

import { Control, type Event, Watchdog } from "./control";
import { Depth } from "./depth";

/** Packets whose time stamps are remembered, so that a copy is known to be one. */
const REMEMBERED = 64;
/** More that wait than this: the oldest go. */
const MAX_WAITING = 256;
/** A packet this far (in frames) from where the last ended follows it all the same: clocks are stamped, not counted. */
const JOIN = 0.25;
/** A gap is filled for so long (µs); a longer one is silence, or all that came was too late. */
const MAX_CONCEAL = 60_000;
/** What a device has slipped by is jumped over if it is more than this (µs): it was heard anyway. */
const SLIP = 500;
/** A time stamp this far (µs) from what is played belongs to another story. */
const FAR = 2_000_000;

/** What becomes of a packet that came. */
export type Fate = "kept" | "late" | "duplicate";

/** What to play next: a packet from `skip` µs on, something that goes on from what was heard last, or nothing. */
export type Sound = { kind: "packet"; pts: number; skip: number } | { kind: "conceal" } | { kind: "silence" };

/** A piece of what is heard. */
export interface Block {
  sound: Sound;
  /** How much media time it covers, in µs. */
  us: number;
  /** It doesn't go on where the last block ended: fade over. */
  fade: boolean;
  /** So many samples are to be taken for each that is played. */
  speed: number;
  event: Event | undefined;
}

/** What the overlay shows; µs and counts. */
export interface Metrics {
  /** The delay from the game to the ear that is held. */
  delay: number;
  /** What is there to be played. */
  depth: number;
  /** How far the sound is behind (above zero) where it should be. */
  drift: number;
  speed: number;
  played: number;
  /** Frames that were made up because their packet was not there. */
  concealed: number;
  /** Packets that were not there at their time, by their numbers: lost or late, made up for or not. */
  missing: number;
  late: number;
  duplicates: number;
  resyncs: number;
  /** Times that the drift stayed over 2 ms. */
  excursions: number;
}

/** What is kept of a packet. */
interface Packet {
  pts: number;
  number: number;
}

const CONCEAL: Sound = { kind: "conceal" };
const SILENCE: Sound = { kind: "silence" };

export class Player {
  readonly metrics: Metrics = {
    delay: 0,
    depth: 0,
    drift: 0,
    speed: 1,
    played: 0,
    concealed: 0,
    missing: 0,
    late: 0,
    duplicates: 0,
    resyncs: 0,
    excursions: 0,
  };
  readonly #frame: number;
  readonly #depth: Depth;
  readonly #control = new Control();
  readonly #watchdog = new Watchdog();
  /** Rising. */
  readonly #waiting: Packet[] = [];
  readonly #remembered: number[] = [];
  /** The media time that is heard next; undefined: nothing is being played. */
  #next: number | undefined;
  /** How long it has been since a packet was played, in media time (infinite: none was since the start) … */
  #gap = Number.POSITIVE_INFINITY;
  /** … and the frames made up in it. */
  #madeUp = 0;
  /** The packet that was played last, and how many have been jumped over since that were there. */
  #heard: Packet | undefined;
  #passed = 0;
  /** Packets that came too late since one was played. */
  #lateRun = 0;
  #fade = true;
  #slipped = false;
  /** Packets with time stamps (µs) up to this were late for a reason of our own. */
  #excused = Number.NEGATIVE_INFINITY;

  /** For packets of `frame` µs. */
  constructor(frame: number) {
    this.#frame = frame;
    this.#depth = new Depth(frame);
  }

  /** The network's round trip (µs), which bounds what is worth waiting for. */
  setRoundTrip(us: number): void {
    this.#depth.setRoundTrip(us);
  }

  /**
   * The device's clock has stepped (`Device.steps`): what the sound is off by now is no drift, and is not to be played away
   * slowly.
   */
  slipped(): void {
    this.#slipped = true;
  }

  /**
   * Our own thread stood still until `now` (`Stalls`): how late packets from before that come says nothing of the way here.
   */
  stoodStill(now: number): void {
    this.#excused = now;
  }

  /**
   * A packet came; it could be heard at `now` at the earliest. Packets are numbered without a gap as they are sent: silence
   * skips none, loss does.
   */
  arrived(now: number, pts: number, number: number): Fate {
    if (this.#remembered.includes(pts)) {
      this.metrics.duplicates++;
      return "duplicate";
    }
    if (this.#remembered.length === REMEMBERED) this.#remembered.shift();
    this.#remembered.push(pts);
    if (this.#next !== undefined && Math.abs(pts - this.#next) > FAR) {
      this.#stop();
      this.#madeUp = 0;
      this.#heard = undefined;
      this.#passed = 0;
    }
    const missed = this.#next !== undefined && pts + this.#frame * (1 - JOIN) <= this.#next;
    if (pts > this.#excused) this.#depth.arrived(now, now - pts, missed);
    if (missed) {
      this.metrics.late++;
      this.#lateRun++;
      return "late";
    }
    let place = this.#waiting.length;
    while (place > 0 && this.#waiting[place - 1]!.pts >= pts) place--;
    this.#waiting.splice(place, 0, { pts, number });
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    return "kept";
  }

  /**
   * The next block, whose first sample will be heard at `at`. Contents of packets with smaller time stamps than that of a
   * block's packet aren't needed any more.
   */
  pull(at: number): Block {
    const { metrics } = this;
    let slope = 0;
    if (this.#next !== undefined) [metrics.delay, slope] = this.#depth.advance(at);
    let next = this.#next ?? this.#begin(at);
    if (next === undefined) {
      metrics.depth = 0;
      return this.#block(SILENCE, this.#frame, 1, undefined);
    }
    let drift = at - metrics.delay - next;
    const slipped = this.#slipped && Math.abs(drift) > SLIP;
    this.#slipped = false;
    const event: Event | undefined = slipped ? { kind: "resync", drift } : this.#watchdog.step(at, drift);
    if (event?.kind === "resync") {
      next += drift;
      drift = 0;
      metrics.resyncs++;
      this.#fade = true;
    } else if (event?.kind === "drifting") metrics.excursions++;
    metrics.drift = drift;
    // A delay that grows by 4 ms in a second is one that is played 0.4 % slower.
    const speed = this.#control.step(at, drift, -slope);
    return this.#take(next, speed, event);
  }

  /** What waits is to be heard at its time and the delay. */
  #begin(at: number): number | undefined {
    const newest = this.#waiting.at(-1);
    if (newest === undefined) return undefined;
    const age = at - newest.pts;
    if (age > this.#depth.target) {
      // Even the newest would be late: what was known of the way here is true no longer.
      this.#depth.forget();
      this.#depth.arrived(at, age, true);
    }
    this.metrics.delay = this.#depth.start(at);
    this.#fade = true;
    this.#next = at - this.metrics.delay;
    return this.#next;
  }

  /** Nothing is being played any more. Whether it was silence or loss, the next packet's number tells. */
  #stop(): void {
    this.#next = undefined;
    // What comes before the first packet is no gap to be concealed.
    this.#gap = Number.POSITIVE_INFINITY;
    this.#lateRun = 0;
  }

  #take(next: number, speed: number, event: Event | undefined): Block {
    const tolerance = this.#frame * JOIN;
    while (this.#waiting.length > 0 && this.#waiting[0]!.pts + this.#frame <= next + tolerance) {
      this.#waiting.shift();
      // It is no fault of the way here.
      if (event?.kind === "resync") this.#passed++;
    }
    const [packet, last] = [this.#waiting[0], this.#waiting.at(-1)];
    this.metrics.depth = last === undefined ? 0 : Math.max(last.pts + this.#frame - next, 0);
    if (packet === undefined) return this.#fill(next, this.#frame, speed, event);
    const { pts } = packet;
    const ahead = pts - next;
    if (ahead > tolerance) return this.#fill(next, Math.min(ahead, this.#frame), speed, event);
    this.#waiting.shift();
    const skip = ahead < -tolerance ? -ahead : 0;
    this.#next = pts + this.#frame;
    this.#account(packet);
    this.#lateRun = 0;
    this.#gap = 0;
    return this.#block({ kind: "packet", pts, skip }, this.#frame - skip, speed, event);
  }

  /** A packet is played: only now is it known whether something was missing before it, or nothing was sent. */
  #account(packet: Packet): void {
    const [madeUp, passed, last] = [this.#madeUp, this.#passed, this.#heard];
    this.#madeUp = 0;
    this.#passed = 0;
    this.#heard = packet;
    this.metrics.played++;
    if (!last) return;
    const frames = Math.max(packet.pts - last.pts, 0) / this.#frame;
    const skipped = Math.max(packet.number - last.number - 1, 0);
    if (skipped > 0 || frames <= 1 + JOIN) this.metrics.concealed += madeUp;
    // Numbers that skip more than fits into the time are nonsense.
    this.metrics.missing += Math.max(Math.min(skipped, Math.max(Math.round(frames) - 1, 0)) - passed, 0);
  }

  /**
   * Nothing is there for `us` from `next` on. The media clock goes on all the same, so that what comes too late is dropped
   * and not played behind its time.
   */
  #fill(next: number, us: number, speed: number, seen: Event | undefined): Block {
    this.#next = next + us;
    this.#gap += us;
    if (this.#gap <= MAX_CONCEAL) {
      this.#madeUp++;
      return this.#block(CONCEAL, us, speed, seen);
    }
    let event = seen;
    if (this.#waiting.length === 0) {
      if (this.#lateRun > 0) {
        // No silence: the delay is too short by far. It is set anew with the next packet.
        this.metrics.concealed += this.#madeUp;
        this.#madeUp = 0;
        this.metrics.resyncs++;
        event = { kind: "starved" };
      }
      this.#stop();
    }
    this.#fade = true;
    return this.#block(SILENCE, us, speed, event);
  }

  #block(sound: Sound, us: number, speed: number, event: Event | undefined): Block {
    this.metrics.speed = speed;
    const fade = this.#fade;
    this.#fade = sound.kind !== "packet";
    return { sound, us, fade, speed, event };
  }
}
