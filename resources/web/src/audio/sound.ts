/**
 * The session's sound: which rendition is played, when, how loudly. Owns the AudioContext and the voice. Nothing is
 * subscribed to or decoded before Play was pressed: browsers allow no sound before that.
 */

import type { AudioConfig } from "../catalog";
import { clamp } from "./depth";
import { Device, heardAt, RATE } from "./device";
import { heardOf } from "./fold";
import type { Packet } from "./packet";
import type { Metrics } from "./player";
import { Redundancy, trackOf } from "./redundancy";
import { type Decoder, Voice } from "./voice";

/** What the sound needs to know and tells. */
export interface Surroundings {
  readonly decoder: Decoder;
  /** Packets as if they had come from the server; for tests. */
  onPackets(name: string, newest: Packet, earlier: Packet[]): void;
  /** What to add to a time of our clock to get µs since the session's start by the server's; undefined: not known yet. */
  offset(nowUs: number): number | undefined;
  roundTrip(): number | undefined;
  nowUs(): number;
  /** To be told to the server. */
  onPlayback(metrics: Metrics): void;
  /** Something that the bar or the tests show has changed. */
  onChange(): void;
  /** It is known what can be heard; and again, since the device may be another. */
  onStarted(): void;
  /** The track that is wanted: a rendition's or the redundant one beside it. */
  onWanted(track: string | undefined): void;
}

/** The page's file with the audio thread's part. */
const WORKLET = "/audio.js";
/** How often the device's clock is asked. */
const CLOCK_MS = 100;
/** What a context says of the device in its first seconds (s) isn't true yet. */
const TRUTHFUL_AFTER = 0.3;
/** A context that doesn't run so long (ms) after it was told to has no device, or may not. */
const PATIENCE_MS = 3_000;
/** After a decoder's failure the next is tried this much later. */
const RETRY_MS = 1_000;
/** How often the server is told how it is played, and how soon after the watchdog has barked; µs. */
const TOLD = 10_000_000;
const TOLD_SOON = 1_000_000;
const [VOLUME, MUTED] = ["goggles-volume", "goggles-muted"];

export class Sound {
  readonly #around: Surroundings;
  readonly #device = new Device();
  #context: AudioContext | undefined;
  #loaded: Promise<void> | undefined;
  #loads = 0;
  #gain: GainNode | undefined;
  #ready = false;
  /** The next press of a key or button is waited for. */
  #waits = false;
  /** Why nothing is heard; undefined: all is well, or nothing was tried. */
  trouble: string | undefined;
  #config: AudioConfig | undefined;
  #voice: Voice | undefined;
  #retry: number | undefined;
  #redundancy = new Redundancy();
  #redundant = false;
  /** What the server was told last, and when. */
  #told = { at: 0, resyncs: 0, excursions: 0 };
  #volume = stored(VOLUME, 100);
  #muted = stored(MUTED, 0) !== 0;
  /** The figures of late; undefined: nothing is being played. */
  metrics: Metrics | undefined;
  /** Called with what is played, by channel, and when it is heard, in µs since the session's start; for tests. */
  #onTap: ((us: number, usPerFrame: number, planes: Float32Array[]) => void) | undefined;

  constructor(around: Surroundings) {
    this.#around = around;
    setInterval(() => this.#tellTime(), CLOCK_MS);
  }

  /** A rendition that can be played is there. */
  get available(): boolean {
    return this.#config !== undefined && "AudioDecoder" in window && "AudioWorkletNode" in window;
  }

  get volume(): number {
    return this.#volume;
  }

  get muted(): boolean {
    return this.#muted;
  }

  /** How many channels can be heard; undefined before Play. */
  get maxChannels(): number | undefined {
    return this.#context?.destination.maxChannelCount;
  }

  /** How many channels the rendition has. */
  get channels(): number | undefined {
    return this.#config?.channels;
  }

  /** By how much the device is behind the context, in s, as it says. */
  get outputLatency(): number {
    return this.#context?.outputLatency ?? 0;
  }

  /** How often the browser had nothing for the device; undefined: it doesn't say. */
  get underruns(): number | undefined {
    const context = this.#context as (AudioContext & { playbackStats?: { underrunEvents: number } }) | undefined;
    return context?.playbackStats?.underrunEvents;
  }

  /** What the samples are multiplied by now. */
  get gain(): number | undefined {
    return this.#gain?.gain.value;
  }

  /** What the audio system does: "none" until all is ready to play, then the context's state. */
  get state(): string {
    return (this.#ready && this.#context?.state) || "none";
  }

  /** Play was pressed. Rejects if nothing can be heard; then it is tried again at the next press. */
  async start(): Promise<void> {
    try {
      this.#context ??= this.#open();
      await this.#load(this.#context);
      await this.#run(this.#context);
      this.#troubled(undefined);
    } catch (error) {
      this.#troubled(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  #open(): AudioContext {
    // "interactive" is 30 ms more than the least that Chromium can do.
    const context = new AudioContext({ latencyHint: 0, sampleRate: RATE });
    // A telephone rings, or the device goes.
    context.onstatechange = () => {
      const changed = context.state === "running" ? this.trouble !== undefined : this.#ready;
      if (changed) this.start().catch((error: unknown) => console.warn("the sound has stopped:", error));
    };
    return context;
  }

  /** Loads the audio thread's part, once. */
  async #load(context: AudioContext): Promise<void> {
    // Another address each time: a browser may remember that one could not be loaded.
    this.#loaded ??= context.audioWorklet.addModule(this.#loads++ === 0 ? WORKLET : `${WORKLET}?${this.#loads}`);
    try {
      await this.#loaded;
    } catch {
      this.#loaded = undefined;
      throw new Error("a part of the page can't be loaded");
    }
    if (this.#gain) return;
    this.#gain = context.createGain();
    this.#gain.connect(context.destination);
    this.#applyVolume();
  }

  async #run(context: AudioContext): Promise<void> {
    let timer: number | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("there is no device that plays it")), PATIENCE_MS);
    });
    // Without a device it is never settled.
    await Promise.race([context.resume(), late]).finally(() => clearTimeout(timer));
    this.#ready = true;
    this.#around.onStarted();
    this.#want();
  }

  #troubled(why: string | undefined): void {
    this.trouble = why && `No sound: ${why}.`;
    this.#around.onChange();
    if (!why || this.#waits) return;
    this.#waits = true;
    const again = (): void => {
      this.#waits = false;
      for (const type of ["pointerdown", "keydown"]) window.removeEventListener(type, again, true);
      this.start().catch((error: unknown) => console.warn("still no sound:", error));
    };
    for (const type of ["pointerdown", "keydown"]) window.addEventListener(type, again, true);
  }

  /** The context, running; only after a press of a button. */
  async running(): Promise<AudioContext> {
    await this.start();
    if (!this.#context) throw new Error("there is no sound");
    return this.#context;
  }

  /** When the context's frame is rendered, in µs since the session's start; undefined: not known yet. */
  renderedAt(frame: number): number | undefined {
    const { line } = this.#device;
    const offset = this.#around.offset(this.#around.nowUs());
    if (!line || offset === undefined) return undefined;
    return heardAt(line, frame) + offset - this.outputLatency * 1e6;
  }

  /** The catalog's rendition; undefined: there is none. */
  configure(config: AudioConfig | undefined): void {
    const others = this.#voice && config && this.#voice.heard !== heardOf(config.channels, this.maxChannels ?? 2);
    if (config?.name !== this.#config?.name || others) this.#silence();
    this.#config = config;
    this.#spread();
    this.#want();
    this.#around.onChange();
  }

  /** A new session: its clock starts anew. */
  restart(): void {
    this.#silence();
    this.#config = undefined;
  }

  /** Packets as if they had come from the server, oldest first; for tests. */
  packets(name: string, newest: Packet, earlier: Packet[]): void {
    this.#around.onPackets(name, newest, earlier);
  }

  /** From 0 to 100; remembered. */
  setVolume(volume: number): void {
    this.#volume = clamp(Math.round(volume), 0, 100);
    if (this.#volume > 0) this.#muted = false;
    this.#applyVolume();
  }

  toggleMute(): void {
    this.#muted = !this.#muted;
    this.#applyVolume();
  }

  /** See `#onTap`; undefined ends it. */
  tap(onTap: ((us: number, usPerFrame: number, planes: Float32Array[]) => void) | undefined): void {
    this.#onTap = onTap;
    this.#voice?.tap(onTap !== undefined);
  }

  #onMetrics(metrics: Metrics): void {
    this.metrics = metrics;
    this.#tellServer(metrics);
    const redundant = this.#redundancy.wanted(this.#around.nowUs(), metrics.missing);
    if (redundant === this.#redundant) return;
    this.#redundant = redundant;
    this.#want();
  }

  #tellServer(metrics: Metrics): void {
    const [now, { resyncs, excursions }] = [this.#around.nowUs(), metrics];
    const barked = resyncs !== this.#told.resyncs || excursions !== this.#told.excursions;
    if (now - this.#told.at < (barked ? TOLD_SOON : TOLD)) return;
    this.#told = { at: now, resyncs, excursions };
    this.#around.onPlayback(metrics);
  }

  #speak(context: AudioContext, config: AudioConfig): Voice | undefined {
    try {
      this.#spread();
      const voice = new Voice(context, config, this.#around.decoder, {
        onMetrics: (metrics) => this.#onMetrics(metrics),
        onEvent: (event) => console.warn("sound:", event.kind, "drift" in event ? `${event.drift} µs` : ""),
        onTap: (frame, planes) => this.#onPlayed(frame, planes),
        onHelped: () => this.#redundancy.helped(this.#around.nowUs()),
        onFailed: (why) => this.#onFailed(why),
      });
      if (this.#gain) voice.node.connect(this.#gain);
      voice.tap(this.#onTap !== undefined);
      this.#tellTime(voice);
      return voice;
    } catch (error) {
      this.#onFailed(String(error));
      return undefined;
    }
  }

  /** All loudspeakers are used; there may be others than before. */
  #spread(): void {
    const destination = this.#context?.destination;
    if (destination) destination.channelCount = Math.max(1, destination.maxChannelCount);
  }

  #onFailed(why: string): void {
    console.warn("the sound can't be decoded:", why);
    this.#silence();
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#want();
    }, RETRY_MS);
  }

  #silence(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#voice?.close();
    this.#voice = undefined;
    this.metrics = undefined;
  }

  #want(): void {
    const config = this.#ready && this.available ? this.#config : undefined;
    if (config && this.#context && this.#retry === undefined) this.#voice ??= this.#speak(this.#context, config);
    this.#around.onWanted(config && trackOf(config.name, this.#redundant));
  }

  /** Tells the audio thread when its frames are heard. */
  #tellTime(voice = this.#voice): void {
    const context = this.#context;
    if (context?.state !== "running") return;
    const { contextTime, performanceTime } = context.getOutputTimestamp();
    const { steps } = this.#device;
    if (performanceTime && contextTime && contextTime > TRUTHFUL_AFTER) {
      this.#device.add(Math.round(contextTime * RATE), performanceTime * 1000);
    }
    const { line } = this.#device;
    const offset = this.#around.offset(this.#around.nowUs());
    if (voice && line && offset !== undefined) {
      voice.setLine({ ...line, us: line.us + offset }, this.#device.steps > steps, this.#around.roundTrip());
    }
  }

  #onPlayed(frame: number, planes: Float32Array[]): void {
    const { line } = this.#device;
    const offset = this.#around.offset(this.#around.nowUs());
    if (!line || offset === undefined) return;
    this.#onTap?.(line.us + offset + (frame - line.frame) * line.usPerFrame, line.usPerFrame, planes);
  }

  #applyVolume(): void {
    try {
      localStorage.setItem(VOLUME, String(this.#volume));
      localStorage.setItem(MUTED, this.#muted ? "1" : "0");
    } catch {
      // A browser that keeps nothing for us: it is as loud as ever the next time.
    }
    // The ear hears ratios: half way is a quarter. A short ramp, so that nothing clicks.
    const gain = this.#muted ? 0 : (this.#volume / 100) ** 2;
    if (this.#context) this.#gain?.gain.setTargetAtTime(gain, this.#context.currentTime, 0.01);
    this.#around.onChange();
  }
}

function stored(name: string, otherwise: number): number {
  try {
    const text = localStorage.getItem(name);
    const value = text === null ? Number.NaN : Number(text);
    return Number.isFinite(value) ? clamp(value, 0, 100) : otherwise;
  } catch {
    return otherwise;
  }
}
