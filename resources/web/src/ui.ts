/** What the page shows around the picture: start card, bar, notices. Owns those elements; decides nothing. */

import { OPEN_UDP, type State } from "./link";
import type { Role } from "./wire/control";

/** All that decides what is shown. */
export interface View {
  link: State;
  /** Play was pressed. */
  playing: boolean;
  role: Role | undefined;
  title: string;
  /** The game wants the pointer, and hasn't got it. */
  wantsPointer: boolean;
  /** The pointer is locked. */
  captured: boolean;
  /** A picture has been painted since the page was opened. */
  hasPicture: boolean;
  /** The session has sound that can be played here: how loudly (0 to 100), and whether it is muted. */
  sound: { volume: number; muted: boolean } | undefined;
  microphone: {
    /** May be turned on here. */
    offered: boolean;
    pressed: boolean;
    /** Ours is heard, or somebody's. */
    on: boolean;
    live: boolean;
    trouble: string | undefined;
  };
  /** Why the session's sound isn't heard. */
  soundTrouble: string | undefined;
  /** The picture was last pressed by a finger. */
  byTouch: boolean;
}

/** What people can press. */
export interface Actions {
  play(): void;
  retry(): void;
  take(): void;
  drop(): void;
  paste(): void;
  onScreenKeyboard(): void;
  fullScreen(): void;
  /** Returns whether the statistics are shown. */
  stats(): boolean;
  mute(): void;
  microphone(): void;
  /** From 0 to 100. */
  volume(volume: number): void;
  /** The menu was closed: the keyboard is the game's again. */
  backToGame(): void;
}

/** The element of an id; the page and this file belong together. */
export function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
  return found;
}

export class Ui {
  readonly #actions: Actions;
  readonly #card = element("card", HTMLElement);
  readonly #headline = element("headline", HTMLElement);
  readonly #detail = element("detail", HTMLElement);
  readonly #play = button("play");
  readonly #retry = button("retry");
  readonly #title = element("title", HTMLElement);
  readonly #role = element("role", HTMLElement);
  readonly #notice = element("notice", HTMLElement);
  readonly #handle = button("handle");
  readonly #stats = button("stats-toggle");
  readonly #mute = button("mute");
  readonly #microphone = button("microphone");
  readonly #live = element("live", HTMLElement);
  readonly #volume = element("volume", HTMLInputElement);

  constructor(actions: Actions) {
    this.#actions = actions;
    const press: [HTMLButtonElement, () => void][] = [
      [this.#play, () => actions.play()],
      [this.#retry, () => actions.retry()],
      [this.#handle, () => this.toggleMenu()],
      [this.#stats, () => this.toggleStats()],
      [button("take"), () => actions.take()],
      [button("drop"), () => actions.drop()],
      [button("paste"), () => actions.paste()],
      [button("onscreen"), () => actions.onScreenKeyboard()],
      [button("fullscreen"), () => actions.fullScreen()],
      [this.#mute, () => actions.mute()],
      [this.#microphone, () => actions.microphone()],
    ];
    for (const [of, action] of press) of.addEventListener("click", action);
    this.#volume.addEventListener("input", () => actions.volume(this.#volume.valueAsNumber));
  }

  toggleMenu(open = !document.body.classList.contains("menu")): void {
    document.body.classList.toggle("menu", open);
    this.#handle.setAttribute("aria-expanded", String(open));
    if (open) button("stats-toggle").focus();
    else this.#actions.backToGame();
  }

  toggleStats(): void {
    this.#stats.setAttribute("aria-pressed", String(this.#actions.stats()));
  }

  update(view: View): void {
    const { link, playing, role, title } = view;
    const live = link.kind === "live";
    const input = live && role?.input === true;
    document.title = title ? `${title} – goggles-scope` : "goggles-scope";
    this.#title.textContent = title || "goggles-scope";
    document.body.classList.toggle("playing", playing && live);
    document.body.classList.toggle("captured", view.captured);
    this.#role.textContent = !live || !role ? "" : role.input ? "You have the controls" : "Watching";
    button("take").hidden = !live || input || !role;
    button("drop").hidden = !input;
    button("paste").hidden = !input;
    button("onscreen").hidden = !input || navigator.maxTouchPoints === 0;
    this.#showSound(view);
    this.#showMicrophone(view);
    this.#showCard(view);
    this.#showNotice(view);
  }

  #showSound({ sound }: View): void {
    element("sound", HTMLElement).hidden = !sound;
    if (!sound) return;
    this.#mute.setAttribute("aria-pressed", String(sound.muted));
    if (this.#volume.valueAsNumber !== sound.volume) this.#volume.valueAsNumber = sound.volume;
    this.#volume.setAttribute("aria-valuetext", sound.muted ? "muted" : `${sound.volume} %`);
  }

  #showMicrophone({ link, microphone: { offered, pressed, on, live } }: View): void {
    this.#microphone.hidden = link.kind !== "live" || !offered;
    this.#microphone.setAttribute("aria-pressed", String(pressed));
    const text = link.kind !== "live" ? "" : on ? "Your microphone is on" : live ? "Somebody's microphone is on" : "";
    this.#live.hidden = text === "";
    if (this.#live.textContent !== text) this.#live.textContent = text;
  }

  #showCard({ link, playing, title, hasPicture }: View): void {
    const text = card(link, title);
    // Once there is a picture, a short loss doesn't need more than a notice.
    this.#card.hidden = !text || (playing && (link.kind === "live" || (link.kind === "reconnecting" && hasPicture)));
    this.#headline.textContent = text?.headline ?? "";
    this.#detail.textContent = text?.detail ?? "";
    this.#play.hidden = link.kind !== "live";
    this.#retry.hidden = link.kind !== "refused" && link.kind !== "ended";
  }

  #showNotice(view: View): void {
    const text = notice(view);
    this.#notice.hidden = text === "";
    if (this.#notice.textContent !== text) this.#notice.textContent = text;
  }
}

function notice({ link, playing, role, wantsPointer, hasPicture, microphone, soundTrouble, byTouch }: View): string {
  if (link.kind === "reconnecting" && hasPicture) return `Reconnecting… (${link.why})`;
  if (microphone.trouble) return microphone.trouble;
  if (link.kind !== "live" || !playing) return "";
  if (wantsPointer) return byTouch ? "This game wants a mouse" : "Click to let the game have the pointer";
  if (soundTrouble) return soundTrouble;
  if (!role || role.input) return "";
  return role.holder ? "You are watching. Somebody else has the controls." : "You are watching. Nobody has the controls.";
}

function card(link: View["link"], title: string): { headline: string; detail: string } | undefined {
  switch (link.kind) {
    case "connecting":
      return { headline: "Connecting…", detail: "" };
    case "live":
      return { headline: title || "Ready", detail: "Click to play. Esc gives the pointer back." };
    case "reconnecting":
      return { headline: "Reconnecting…", detail: sentence(link.why) };
    case "refused":
      return {
        headline: "The server didn't let this browser in",
        detail:
          "An address works once, for one browser. When one has been used, goggles-scope prints the next: open that. " +
          `If this one is new, its way may be blocked: ${OPEN_UDP}.`,
      };
    case "ended":
      return { headline: "The session has ended", detail: sentence(link.reason) };
    case "unsupported":
      return { headline: "This browser can't play the stream", detail: link.why };
  }
}

function sentence(text: string): string {
  if (!text) return "";
  const end = /[.!?]$/.test(text) ? "" : ".";
  return text.charAt(0).toUpperCase() + text.slice(1) + end;
}

function button(id: string): HTMLButtonElement {
  return element(id, HTMLButtonElement);
}
