/** The page's entry: puts the parts together and holds the little state they share. */

import { Microphone } from "./audio/microphone";
import { Sound } from "./audio/sound";
import { Awake } from "./awake";
import { audioConfig } from "./catalog";
import { nowUs } from "./clock";
import { Cursor } from "./cursor";
import { Keyboard } from "./input/keyboard";
import { contentRect, type Rect } from "./input/letterbox";
import { Pointer } from "./input/pointer";
import { Link } from "./link";
import { Overlay } from "./overlay";
import { Probe } from "./probe";
import { Receiver } from "./receiver";
import { type Frame, TimeLine } from "./timeline";
import { element, Ui, type View } from "./ui";
import { Video } from "./video";
import { MAX_TEXT, type Scene } from "./wire/control";

const stage = element("stage", HTMLElement);
const canvas = element("picture", HTMLCanvasElement);
const probe = new Probe(new URLSearchParams(location.search));
Object.defineProperty(window, "__goggles", { value: probe });

const view: View = {
  link: { kind: "connecting" },
  playing: false,
  role: undefined,
  title: "",
  wantsPointer: false,
  captured: false,
  hasPicture: false,
  sound: undefined,
  microphone: { offered: false, pressed: false, on: false, live: false, trouble: undefined },
  soundTrouble: undefined,
  byTouch: false,
};
const timeline = new TimeLine();
let scene: Scene | undefined;
/** Where the picture is on the page; kept, since asking makes the browser lay the page out. */
let picture: Rect = { x: 0, y: 0, width: 0, height: 0 };

/** Keyboard and pointer are the game's. */
function active(): boolean {
  return view.playing && view.link.kind === "live" && view.role?.input === true;
}

function update(): void {
  view.captured = pointer.locked;
  view.wantsPointer = active() && scene?.pointerLocked === true && !pointer.locked;
  view.sound = sound.available ? { volume: sound.volume, muted: sound.muted } : undefined;
  const { offered, pressed, on, live, trouble } = microphone;
  view.microphone = { offered, pressed, on, live, trouble };
  view.soundTrouble = sound.available ? sound.trouble : undefined;
  awake.want(view.link.kind === "live" && !document.hidden);
  cursor.setMode(active() && !pointer.locked ? "own" : "remote");
  ui.update(view);
  probe.state = view.link.kind;
  probe.role = !view.role ? "none" : view.role.input ? "input" : "view";
  probe.pointerLocked = pointer.locked;
  probe.recording = microphone.pressed;
}

function place(): void {
  const box = canvas.getBoundingClientRect();
  picture = contentRect(box, canvas);
  cursor.setPlace(picture, scene ?? canvas);
}

/** Runs what changes the sender, then sends what is due. */
function input(change: (sender: NonNullable<typeof link.control>["sender"], now: number) => void): void {
  const control = link.control;
  if (!control) return;
  change(control.sender, nowUs());
  control.tick();
}

function releaseAll(): void {
  pointer.release();
  input((sender, now) => sender.blur(now));
}

function report(frame: Frame | undefined): void {
  if (!frame?.times) return;
  const { received, decoded, painted } = frame;
  link.control?.report({ frame: frame.times.frame, received, decoded, painted });
  link.control?.sender.shown(frame.times.frame);
}

async function toggleFullScreen(): Promise<void> {
  if (document.fullscreenElement) return document.exitFullscreen();
  await document.documentElement.requestFullscreen({ navigationUI: "hide" });
  // In full screen the page may have Esc, Alt+Tab and the like, where the browser knows how.
  const { keyboard } = navigator as Navigator & { keyboard?: { lock?: () => Promise<void> } };
  await keyboard?.lock?.();
}

function sendText(text: string): void {
  // Longer texts go in parts; cut between characters.
  let part = "";
  for (const character of text) {
    if ((part.length + character.length) * 3 > MAX_TEXT) {
      link.control?.send({ kind: "text", text: part });
      part = "";
    }
    part += character;
  }
  if (part) link.control?.send({ kind: "text", text: part });
}

function failed(error: unknown): void {
  console.warn(error);
}

const awake = new Awake();

const cursor = new Cursor(stage, element("cursor", HTMLCanvasElement));

const video = new Video(canvas, {
  onDecoded(ptsUs, at, frame) {
    probe.decoded++;
    timeline.decoded(ptsUs, at);
    probe.look(frame, timeline.receivedAt(ptsUs), at);
  },
  onPainted(ptsUs, at) {
    probe.painted++;
    probe.lastPts = ptsUs;
    report(timeline.painted(ptsUs, at));
    if (!view.hasPicture) {
      view.hasPicture = true;
      update();
    }
  },
  onSize(width, height) {
    probe.size = `${width}x${height}`;
    probe.codec = video.codec ?? "";
    place();
  },
  onLost(why) {
    console.warn("asking for a key frame:", why);
    link.control?.send({ kind: "requestKeyFrame" });
  },
  onUnsupported(codec) {
    link.giveUp(`It can't decode ${codec}.`);
  },
});

const receiver = new Receiver();
let catalog: unknown;
const sound = new Sound({
  decoder: receiver,
  onPackets: (name, newest, earlier) => receiver.packets(name, newest, earlier),
  nowUs,
  offset(now) {
    const offset = link.control?.clock.offset(now);
    return offset === undefined || probe.startUs === 0 ? undefined : offset - probe.startUs;
  },
  roundTrip: () => link.control?.clock.leastRoundTrip(),
  onChange: () => update(),
  onPlayback({ delay, depth, drift, ...counts }) {
    const us = { delay: Math.round(delay), depth: Math.round(depth), drift: Math.round(drift) };
    link.control?.send({ kind: "playback", ...counts, ...us });
  },
  onStarted: () => changedLoudspeakers(),
  onWanted: (track) => receiver.listen(track),
});
probe.sound = sound;

const microphone = new Microphone({
  context: () => sound.running(),
  recordedAt(frame) {
    const at = sound.renderedAt(frame);
    return at === undefined ? undefined : at + probe.startUs;
  },
  onWanted: (on) => link.control?.send({ kind: "microphone", on }),
  onPacket: (time, packet) => link.control?.speak(time, packet),
  onChange: () => update(),
});

/** Takes what the catalog offers and this machine can play. */
function chooseSound(): void {
  sound.configure(audioConfig(catalog, sound.maxChannels ?? 2));
}

/** Tells the server how many channels can be heard, once that is known. */
function tellLoudspeakers(): void {
  const channels = sound.maxChannels;
  if (channels !== undefined) link.control?.send({ kind: "loudspeakers", channels });
}

/** Browsers allow sound from a press of a button on. */
function startSound(): void {
  sound.start().catch(failed);
}

function toggleMicrophone(): void {
  microphone.toggle().catch(failed);
}

function changedLoudspeakers(): void {
  tellLoudspeakers();
  chooseSound();
}

const ui = new Ui({
  play() {
    view.playing = true;
    startSound();
    if (view.role && !view.role.holder) link.control?.send({ kind: "takeInput" });
    keyboard.focus();
    update();
  },
  retry: () => void link.start(),
  take() {
    view.playing = true;
    startSound();
    link.control?.send({ kind: "takeInput" });
    ui.toggleMenu(false);
    update();
  },
  drop: () => link.control?.send({ kind: "dropInput" }),
  paste() {
    navigator.clipboard.readText().then(sendText).catch(failed);
    ui.toggleMenu(false);
  },
  onScreenKeyboard() {
    ui.toggleMenu(false);
    keyboard.toggleOnScreen();
  },
  fullScreen() {
    toggleFullScreen().catch(failed);
    if (view.playing) ui.toggleMenu(false);
  },
  stats: () => overlay.toggle(),
  mute: () => sound.toggleMute(),
  microphone: toggleMicrophone,
  volume: (volume) => sound.setVolume(volume),
  backToGame: () => keyboard.focus(),
});

const keyboard = new Keyboard(element("keys", HTMLTextAreaElement), {
  onKey: (code, pressed) => input((sender, now) => sender.key(now, code, pressed)),
  onText: sendText,
  onRelease: releaseAll,
  onShortcut,
  active,
});

function onShortcut(code: string): boolean {
  if (code === "KeyS") ui.toggleStats();
  else if (code === "KeyA") sound.toggleMute();
  else if (code === "KeyV" && (microphone.offered || microphone.pressed)) toggleMicrophone();
  else if (code === "KeyM") {
    pointer.unlock();
    ui.toggleMenu();
  } else return false;
  return true;
}

const pointer = new Pointer(stage, {
  onAbsolute: (x, y) => input((sender, now) => sender.absolute(now, x, y)),
  onRelative: (dx, dy) => input((sender, now) => sender.relative(now, dx, dy)),
  onButton: (code, pressed) => input((sender, now) => sender.key(now, code, pressed)),
  onScroll: (dx, dy) => input((sender, now) => sender.scroll(now, dx, dy)),
  onLockChange: () => {
    pointer.release();
    update();
  },
  onPress(byTouch) {
    view.byTouch = byTouch;
    if (view.playing) ui.toggleMenu(false);
    update();
  },
  active,
  wantsLock: () => scene?.pointerLocked === true,
  picture: () => picture,
});

const link = new Link(receiver, {
  onState(state) {
    view.link = state;
    if (state.kind !== "live") {
      view.role = undefined;
      pointer.unlock();
      microphone.restart();
    }
    update();
  },
  onStart() {
    video.restart();
    sound.restart();
    timeline.clear();
  },
  wantsInput: () => view.playing,
  onWelcome(welcome) {
    probe.viewer = String(welcome.viewer);
    probe.startUs = welcome.startUs;
    tellLoudspeakers();
  },
  onRole(role) {
    // Nobody holds the input and we are playing: the last holder has left.
    view.role = role;
    if (!role.input) pointer.unlock();
    update();
  },
  onScene(next) {
    scene = next;
    view.title = next.title;
    if (!next.pointerLocked) pointer.unlock();
    // Granted only if the browser still has a click of ours in mind; else the next click asks again.
    else if (active() && document.hasFocus()) void pointer.lock();
    place();
    update();
  },
  onMicrophone: (state) => microphone.onState(state),
  onTimes: (times) => report(timeline.times(times)),
  onConfig: (config) => video.configure(config),
  onCatalog(next) {
    catalog = next;
    chooseSound();
  },
  onChunk(chunk) {
    probe.received++;
    if (chunk.key) probe.keyFrames++;
    timeline.received(chunk.ptsUs, chunk.received, chunk.data.length, chunk.key);
    video.decode(chunk);
  },
  onCursor: (updates) => cursor.apply(updates),
});

probe.offsetUs = () => link.control?.clock.offset(nowUs());

const sources = { link, timeline, video, sound, canvas, catalog: () => catalog };
const overlay = new Overlay(element("stats", HTMLElement), sources, nowUs);

new ResizeObserver(place).observe(stage);
window.addEventListener("blur", releaseAll);
document.addEventListener("visibilitychange", () => {
  update();
  if (!document.hidden) return void link.hurry();
  releaseAll();
  // Nobody sees that it is on.
  microphone.stop();
});
navigator.mediaDevices?.addEventListener("devicechange", changedLoudspeakers);
window.addEventListener("online", () => void link.hurry());
window.addEventListener("pagehide", () => {
  releaseAll();
  microphone.stop();
  link.stop();
});
/** The page is left on purpose. */
let leaves = false;
function reload(): void {
  leaves = true;
  location.reload();
}
// Ctrl+W is a move in some games, and ends the tab where the page is not in full screen.
window.addEventListener("beforeunload", (e) => {
  if (active() && !leaves) e.preventDefault();
});
// A page that comes back from the browser's cache has no sessions.
window.addEventListener("pageshow", (e) => (e.persisted ? reload() : undefined));
// Another printed address was opened in this tab.
window.addEventListener("hashchange", () => (location.hash.length > 1 ? reload() : undefined));
window.addEventListener("keydown", (e) => {
  if (e.code === "F11") {
    e.preventDefault();
    if (!e.repeat) toggleFullScreen().catch(failed);
  } else if (e.ctrlKey && e.altKey && e.shiftKey && !e.defaultPrevented && onShortcut(e.code)) e.preventDefault();
});
setInterval(() => video.poll(), 500);

if ("WebTransport" in window && "VideoDecoder" in window) void link.start();
else {
  const why = isSecureContext
    ? "It has no WebTransport or no WebCodecs. Chromium and Chrome have both."
    : "The page must come over HTTPS.";
  view.link = { kind: "unsupported", why };
  update();
}
