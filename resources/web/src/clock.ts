/**
 * The page's clock and its offset to the server's. Twin of protocols/src/clock/estimator.rs: four time stamps a sample
 * (RFC 5905, section 8), a line through those that are trusted. The estimator is pure; all in µs.
 */

/** The page's monotonic clock, in whole µs. */
export function nowUs(): number {
  return Math.floor(performance.now() * 1000);
}

/** A server's answer: t0 is our ping's time, t1 and t2 are the server's clock at its arrival and the answer. */
export interface Stamps {
  t0: number;
  t1: number;
  t2: number;
}

interface Sample {
  /** The middle of the exchange, in our clock. */
  at: number;
  /** Server's clock − ours; wrong by at most half the round trip. */
  offset: number;
  roundTrip: number;
}

/** Offset = `offset` + `skew` × (t − `at`). */
interface Line {
  at: number;
  offset: number;
  skew: number;
  roundTrip: number;
}

const BURST = 5;
const BURST_INTERVAL = 50_000;
const INTERVAL = 1_000_000;
const MAX_SAMPLES = 64;
const WINDOW = 60_000_000;
/** Pings whose answer may still come. */
const MAX_OUTSTANDING = 8;
/** An answer later than this says nothing of use. */
const MAX_ROUND_TRIP = 10_000_000;
/**
 * A sample's weight is 1 / (its round trip − the least + a slack)²: an offset can be wrong by half the excess. The slack is this
 * and a part of the mean excess: the more the network jitters, the further is the least from the best there is.
 */
const SLACK = 200;
const SLACK_PART = 8;
/** A line needs this many samples whose times have, by weight, this deviation; before, the best sample stands for all. */
const LINE_SAMPLES = 8;
const LINE_DEVIATION = 3_000_000;
/** Crystals that differ by more don't exist. */
const MAX_SKEW = 500e-6;
/** By how much a sample is expected to age: 1 µs in so many. */
const AGEING = 20_000;

/** Knows when to ping and what the answers mean. */
export class Estimator {
  #pings = 0;
  #lastPing: number | undefined;
  #outstanding: number[] = [];
  #samples: Sample[] = [];
  #line: Line | undefined;

  /** When the next ping is due. */
  deadline(): number {
    if (this.#lastPing === undefined) return 0;
    return this.#lastPing + (this.#pings < BURST ? BURST_INTERVAL : INTERVAL);
  }

  /** Whether a ping with `now` as its time is to be sent; counts it as sent. */
  poll(now: number): boolean {
    if (now < this.deadline()) return false;
    this.#lastPing = now;
    this.#pings++;
    if (this.#outstanding.length === MAX_OUTSTANDING) this.#outstanding.shift();
    this.#outstanding.push(now);
    return true;
  }

  /** The answer came; tells whether it was one to a ping of ours and made sense. */
  onPong(now: number, { t0, t1, t2 }: Stamps): boolean {
    const index = this.#outstanding.indexOf(t0);
    if (index < 0) return false;
    this.#outstanding.splice(index, 1);
    const roundTrip = now - t0 - (t2 - t1);
    if (now < t0 || t2 < t1 || roundTrip < 0 || roundTrip > MAX_ROUND_TRIP) return false;
    const forth = t1 - t0;
    const back = t2 - now;
    const at = t0 + Math.floor((now - t0) / 2);
    this.#add(now, { at, offset: forth + Math.trunc((back - forth) / 2), roundTrip });
    return true;
  }

  /** What to add to `now` of our clock to get the server's; undefined: no answer yet. */
  offset(now: number): number | undefined {
    return this.#line && at(this.#line, now);
  }

  /** The least round trip of the window. */
  leastRoundTrip(): number | undefined {
    return this.#line?.roundTrip;
  }

  /** The newest round trip. */
  roundTrip(): number | undefined {
    return this.#samples.at(-1)?.roundTrip;
  }

  #add(now: number, sample: Sample): void {
    const line = this.#line;
    if (line) {
      // Both are right to within half their round trips; if they can't both be, a clock was stepped or slept.
      const apart = Math.abs(at(line, sample.at) - sample.offset);
      const elapsed = Math.floor(Math.max(0, sample.at - line.at) * MAX_SKEW);
      if (apart > Math.floor((line.roundTrip + sample.roundTrip) / 2) + 1000 + elapsed) {
        this.#samples = [];
        this.#pings = 0;
        this.#line = undefined;
      }
    }
    this.#samples = this.#samples.filter((s) => now - s.at <= WINDOW).slice(1 - MAX_SAMPLES);
    this.#samples.push(sample);
    this.#line = fit(this.#samples, this.#line?.skew ?? 0);
  }
}

function at(line: Line, time: number): number {
  return line.offset + Math.round(line.skew * (time - line.at));
}

/** Least squares through the samples, by weight; `known` is what the skew was. */
function fit(samples: readonly Sample[], known: number): Line | undefined {
  const newest = samples.at(-1);
  if (!newest) return undefined;
  const doubt = (s: Sample): number => Math.floor(s.roundTrip / 2) + Math.floor(Math.max(0, newest.at - s.at) / AGEING);
  const best = samples.reduce((a, b) => (doubt(b) < doubt(a) ? b : a));
  const least = Math.min(...samples.map((s) => s.roundTrip));
  // Few samples are good where the network jitters: then the best one stands for all, and the skew is what it was.
  const throughBest: Line = { at: best.at, offset: best.offset, skew: known, roundTrip: least };
  if (samples.length < LINE_SAMPLES) return throughBest;
  const excesses = samples.reduce((all, s) => all + s.roundTrip - least, 0);
  const slack = SLACK + Math.floor(Math.floor(excesses / samples.length) / SLACK_PART);
  // Relative to the best sample, so that a double has digits to spare.
  const points = samples.map((s) => ({
    time: s.at - best.at,
    offset: s.offset - best.offset,
    weight: 1 / (s.roundTrip - least + slack) ** 2,
  }));
  const sum = (of: (p: (typeof points)[number]) => number): number => points.reduce((all, p) => all + of(p), 0);
  const weight = sum((p) => p.weight);
  const meanTime = sum((p) => p.weight * p.time) / weight;
  const meanOffset = sum((p) => p.weight * p.offset) / weight;
  const squares = sum((p) => p.weight * (p.time - meanTime) ** 2) / weight;
  if (Math.sqrt(squares) < LINE_DEVIATION) return throughBest;
  const products = sum((p) => p.weight * (p.time - meanTime) * (p.offset - meanOffset)) / weight;
  const skew = Math.min(MAX_SKEW, Math.max(-MAX_SKEW, products / squares));
  return { ...throughBest, offset: best.offset + Math.round(meanOffset - skew * meanTime), skew };
}
