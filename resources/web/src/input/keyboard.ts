/**
 * The keyboard: keys by place (evdev codes), text by meaning. Owns the hidden text field that has the focus while
 * playing, so that input methods, on-screen keyboards and pasting work.
 */

import { evdevKey, evdevNamed } from "./keymap";

/** What the keyboard does. */
export interface Events {
  /** A key went down or up. */
  onKey(code: number, pressed: boolean): void;
  onText(text: string): void;
  /** Ctrl+Alt+Shift+letter: for the page, not for the game. True: it was one. */
  onShortcut(code: string): boolean;
  /** Keys of which no release will come. */
  onRelease(): void;
  /** Whether the keys are the game's now. */
  active(): boolean;
}

const [BACKSPACE, ENTER, CONTROL_LEFT, DELETE] = [14, 28, 29, 111];
/** What an on-screen keyboard does to the field, and which key does that. */
const EDITS: Readonly<Record<string, number>> = {
  insertLineBreak: ENTER,
  insertParagraph: ENTER,
  deleteContentBackward: BACKSPACE,
  deleteContentForward: DELETE,
};
const IS_MAC = navigator.platform.startsWith("Mac");

export class Keyboard {
  readonly #field: HTMLTextAreaElement;
  readonly #events: Events;
  /** When the left control key last went down, in ms of the events' clock. */
  #controlAt = -Infinity;

  constructor(field: HTMLTextAreaElement, events: Events) {
    this.#field = field;
    this.#events = events;
    field.addEventListener("keydown", (e) => this.#onDown(e));
    field.addEventListener("keyup", (e) => this.#onUp(e));
    field.addEventListener("compositionend", (e) => this.#onText(e.data));
    field.addEventListener("beforeinput", (e) => this.#onInput(e));
    field.addEventListener("paste", (e) => {
      e.preventDefault();
      this.#onText(e.clipboardData?.getData("text/plain"));
    });
    field.addEventListener("blur", () => events.onRelease());
  }

  focus(): void {
    this.#field.focus({ preventScroll: true });
  }

  /** On touch screens: shows or hides the on-screen keyboard. */
  toggleOnScreen(): void {
    this.#field.inputMode = this.#field.inputMode === "none" ? "text" : "none";
    this.#field.blur();
    this.focus();
  }

  #onDown(event: KeyboardEvent): void {
    if (event.ctrlKey && event.altKey && event.shiftKey && this.#events.onShortcut(event.code)) {
      event.preventDefault();
      return this.#events.onRelease();
    }
    // The input method has it; what becomes of it comes as text.
    if (event.isComposing || event.keyCode === 229 || !this.#events.active()) return;
    // An on-screen keyboard's have no place, and no end.
    if (event.code === "") return this.#onStroke(event, evdevNamed(event.key));
    const code = gameKey(event);
    if (code === undefined) return;
    event.preventDefault();
    if (event.repeat) return;
    if (event.code === "ControlLeft") this.#controlAt = event.timeStamp;
    // Windows makes AltGr of a left control and a right alt; the game's layout wants only the latter.
    const altGr = event.code === "AltRight" && event.getModifierState("AltGraph");
    if (altGr && event.timeStamp - this.#controlAt < 5) this.#events.onKey(CONTROL_LEFT, false);
    this.#events.onKey(code, true);
  }

  #onUp(event: KeyboardEvent): void {
    const code = gameKey(event);
    if (code === undefined) return;
    event.preventDefault();
    this.#events.onKey(code, false);
    // macOS tells no release of keys that were let go while command was held.
    if (IS_MAC && event.key === "Meta") this.#events.onRelease();
  }

  #onInput(event: InputEvent): void {
    // During a composition the result comes with its end. What else comes here is from an on-screen keyboard.
    if (event.isComposing || event.inputType === "insertCompositionText") return;
    this.#onStroke(event, EDITS[event.inputType]);
    event.preventDefault();
    if (event.inputType === "insertText") this.#onText(event.data);
  }

  /** A key that is pressed and let go at once. */
  #onStroke(event: Event, code: number | undefined): void {
    if (code === undefined || !this.#events.active()) return;
    event.preventDefault();
    this.#events.onKey(code, true);
    this.#events.onKey(code, false);
  }

  #onText(text: string | null | undefined): void {
    this.#field.value = "";
    if (text && this.#events.active()) this.#events.onText(text);
  }
}

/** The key's evdev code if it is for the game: F11 is the page's. */
function gameKey({ code }: KeyboardEvent): number | undefined {
  return code === "F11" ? undefined : evdevKey(code);
}
