/** The statistics over the picture: where the time of a frame goes. Owns its table; reads everything else. */

import type { Sound } from "./audio/sound";
import { contentFacts } from "./catalog";
import type { Link } from "./link";
import { type Frame, percentile, spreads, type TimeLine } from "./timeline";
import type { Video } from "./video";

const INTERVAL_MS = 500;

/** What each stage is, for people. */
const NAMES: Record<string, string> = {
  latch: "commit → chosen",
  render: "→ rendered",
  wait: "→ encoder",
  convert: "→ converted",
  encode: "→ encoded",
  send: "→ sent",
  network: "→ received",
  decode: "→ decoded",
  draw: "→ drawn",
  total: "commit → drawn",
};

/** What the overlay looks at. */
export interface Sources {
  link: Link;
  timeline: TimeLine;
  video: Video;
  sound: Sound;
  canvas: HTMLCanvasElement;
  /** The newest catalog. */
  catalog: () => unknown;
}

export class Overlay {
  readonly #box: HTMLElement;
  readonly #sources: Sources;
  readonly #now: () => number;
  #timer: number | undefined;

  constructor(box: HTMLElement, sources: Sources, now: () => number) {
    this.#box = box;
    this.#sources = sources;
    this.#now = now;
  }

  /** Shows or hides it; returns whether it is shown. */
  toggle(): boolean {
    const show = this.#box.hidden;
    this.#box.hidden = !show;
    clearInterval(this.#timer);
    if (show) {
      this.#timer = setInterval(() => this.#draw(), INTERVAL_MS);
      this.#draw();
    }
    return show;
  }

  #draw(): void {
    const { link, timeline, video, sound, canvas, catalog } = this.#sources;
    const frames = timeline.recent(this.#now());
    const offset = link.control?.clock.offset(this.#now());
    const roundTrip = link.control?.clock.roundTrip();
    const stages = offset === undefined ? [] : spreads(frames, offset);
    const rows = stages.map(({ stage, p50, p95 }) => [NAMES[stage] ?? stage, ms(p50), ms(p95)]);
    const facts = [
      `${canvas.width}×${canvas.height}, ${video.codec ?? "no video"}, ${video.decoderKind} decoder`,
      `content ${contentFacts(catalog()).join(", ")}`,
      `${rate(frames)}, ${bitrate(frames)}`,
      `round trip ${roundTrip === undefined ? "–" : ms(roundTrip / 1000)} ms`,
      `${frames.filter((f) => f.times && f.painted === 0).length} not drawn, ${frames.filter((f) => f.key).length} key frames`,
    ];
    const { metrics } = sound;
    if (metrics) {
      const after = metrics.delay / 1000 - (stages.find(({ stage }) => stage === "total")?.p50 ?? Number.NaN);
      const us = (value: number): string => ms(value / 1000);
      facts.push(
        `sound ${us(metrics.delay)} ms after the game, ${ms(Math.abs(after))} ms ${after < 0 ? "before" : "after"} the picture`,
        `buffer ${us(metrics.depth)} ms, drift ${us(metrics.drift)} ms, ${((metrics.speed - 1) * 1e6).toFixed(0)} ppm`,
        `${metrics.missing} packets missing, ${metrics.concealed} concealed, ${metrics.late} late`,
        `${metrics.excursions} drifts over 2 ms, ${metrics.resyncs} jumps`,
      );
    }
    this.#box.replaceChildren(table([["", "p50 ms", "p95 ms"], ...rows]), ...facts.map(line));
  }
}

function rate(frames: readonly Frame[]): string {
  const [seconds, count] = [span(frames), frames.length - 1];
  return seconds > 0 ? `${(count / seconds).toFixed(1)} frames/s` : "still";
}

function bitrate(frames: readonly Frame[]): string {
  const seconds = span(frames);
  const bytes = frames.slice(1).reduce((sum, f) => sum + f.bytes, 0);
  const size = percentile(
    frames.map((f) => f.bytes),
    50,
  );
  if (!(seconds > 0)) return "0 Mb/s";
  return `${((bytes * 8) / seconds / 1e6).toFixed(2)} Mb/s, ${(size / 1000).toFixed(1)} kB/frame`;
}

/** From the first to the last frame received, in seconds. */
function span(frames: readonly Frame[]): number {
  return ((frames.at(-1)?.received ?? 0) - (frames[0]?.received ?? 0)) / 1e6;
}

function ms(value: number): string {
  return Number.isNaN(value) ? "–" : value.toFixed(1);
}

function table(rows: readonly (readonly string[])[]): HTMLTableElement {
  const made = document.createElement("table");
  for (const cells of rows) {
    const row = made.insertRow();
    for (const cell of cells) row.insertCell().textContent = cell;
  }
  return made;
}

function line(text: string): HTMLElement {
  const made = document.createElement("div");
  made.textContent = text;
  return made;
}
