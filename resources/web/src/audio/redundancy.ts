/**
 * Which of a rendition's tracks of datagrams to read: the plain one, or the one that carries each packet with those before
 * it once more, which costs three times as much (protocols/stream.md). Pure. `Redundancy` is the twin of
 * viewer/src/audio/redundancy.rs.
 */

const [PLAIN, RED] = [".datagrams", ".red"];

/** The track of the rendition `name`. */
export function trackOf(name: string, redundant: boolean): string {
  return name + (redundant ? RED : PLAIN);
}

/** Which rendition's track it is. */
export function soundTrack(track: string): { name: string; redundant: boolean } {
  const redundant = track.endsWith(RED);
  return { name: track.slice(0, -(redundant ? RED : PLAIN).length), redundant };
}

/** So many packets missing within the window ask for redundancy; µs. */
const MISSING = 3;
const WINDOW = 10_000_000;
/** It is kept until nothing would have been missing for so long, in µs. */
const QUIET = 60_000_000;

/** Decides by what was missed. */
export class Redundancy {
  #missed: number[] = [];
  #count = 0;
  #since: number | undefined;

  /** Whether redundancy is wanted, when `count` packets have been missing, lost or late, since the beginning. */
  wanted(now: number, count: number): boolean {
    // A new player counts from zero.
    if (count < this.#count) this.#count = 0;
    for (; this.#count < count; this.#count++) this.#missed.push(now);
    this.#missed = this.#missed.filter((at) => now - at <= WINDOW).slice(-MISSING);
    const newest = this.#missed.at(-1);
    if (this.#missed.length >= MISSING && newest !== undefined) this.#since = newest;
    else if (this.#since !== undefined && now - this.#since > QUIET) this.#since = undefined;
    return this.#since !== undefined;
  }

  /** A packet was there only because it was repeated: what is repeated is still needed. */
  helped(now: number): void {
    if (this.#since !== undefined) this.#since = now;
  }
}

/** Packets' time stamps that have been here, so that each is decoded once. */
export class Seen {
  readonly #pts = new Set<number>();

  /** Whether it is the first time; remembers it. */
  first(pts: number): boolean {
    if (this.#pts.has(pts)) return false;
    this.#pts.add(pts);
    const [oldest] = this.#pts;
    if (this.#pts.size > 256 && oldest !== undefined) this.#pts.delete(oldest);
    return true;
  }
}
