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
/** A sample is trusted if its round trip is within this, or a quarter, of the least; and so are as many as a line needs. */
const SLACK = 300;
const LINE_SAMPLES = 16;
/** A line needs trusted samples over this long; without, the best sample stands for all. */
const LINE_SPAN = 10_000_000;
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
      }
    }
    this.#samples = this.#samples.filter((s) => now - s.at <= WINDOW).slice(1 - MAX_SAMPLES);
    this.#samples.push(sample);
    this.#line = fit(this.#samples);
  }
}

function at(line: Line, time: number): number {
  return line.offset + Math.round(line.skew * (time - line.at));
}

/** Least squares through the samples with short round trips. */
function fit(samples: readonly Sample[]): Line | undefined {
  const newest = samples.at(-1);
  if (!newest) return undefined;
  const doubt = (s: Sample): number => Math.floor(s.roundTrip / 2) + Math.floor(Math.max(0, newest.at - s.at) / AGEING);
  const best = samples.reduce((a, b) => (doubt(b) < doubt(a) ? b : a));
  const trips = samples.map((s) => s.roundTrip).sort((a, b) => a - b);
  const least = trips[0] ?? 0;
  const flat: Line = { at: best.at, offset: best.offset, skew: 0, roundTrip: least };
  const enough = trips[LINE_SAMPLES - 1];
  if (enough === undefined) return flat;
  const limit = Math.max(least + Math.max(SLACK, Math.floor(least / 4)), enough);
  const points = samples
    .filter((s) => s.roundTrip <= limit)
    .map((s) => ({ time: s.at - best.at, offset: s.offset - best.offset }));
  const first = Math.min(0, ...points.map((p) => p.time));
  const last = Math.max(0, ...points.map((p) => p.time));
  if (last - first < LINE_SPAN) return flat;
  const meanTime = points.reduce((sum, p) => sum + p.time, 0) / points.length;
  const meanOffset = points.reduce((sum, p) => sum + p.offset, 0) / points.length;
  const squares = points.reduce((sum, p) => sum + (p.time - meanTime) ** 2, 0);
  const products = points.reduce((sum, p) => sum + (p.time - meanTime) * (p.offset - meanOffset), 0);
  const skew = Math.min(MAX_SKEW, Math.max(-MAX_SKEW, products / squares));
  return { ...flat, offset: best.offset + Math.round(meanOffset - skew * meanTime), skew };
}
