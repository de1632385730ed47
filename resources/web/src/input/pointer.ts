/**
 * The pointer: absolute places over the picture, or relative motion while the pointer is locked; buttons; the wheel.
 * Owns the lock.
 */

import { EVDEV_BUTTONS } from "./keymap";
import { type Rect, toFraction } from "./letterbox";
import { wheelDetents } from "./wheel";

/** What the pointer does, and what it must know. */
export interface Events {
  onAbsolute(x: number, y: number): void;
  onRelative(dx: number, dy: number): void;
  /** An evdev button. */
  onButton(code: number, pressed: boolean): void;
  /** In 120ths of a detent, right and down. */
  onScroll(dx: number, dy: number): void;
  onLockChange(locked: boolean): void;
  /** The stage was pressed, by a finger or else: it wants the keyboard. */
  onPress(byTouch: boolean): void;
  /** Whether the pointer is the game's now. */
  active(): boolean;
  /** The game wants relative motion. */
  wantsLock(): boolean;
  /** Where the picture is, in CSS pixels of the viewport. */
  picture(): Rect;
}

export class Pointer {
  readonly #stage: HTMLElement;
  readonly #events: Events;
  /** MouseEvent.buttons as last told. */
  #buttons = 0;
  /** The press that only locked the pointer isn't the game's; neither are its buttons until all are up. */
  #swallow = false;

  constructor(stage: HTMLElement, events: Events) {
    this.#stage = stage;
    this.#events = events;
    stage.addEventListener("pointerdown", (e) => this.#onDown(e));
    stage.addEventListener("pointerup", (e) => (e.isPrimary ? this.#onButtons(e) : undefined));
    stage.addEventListener("pointercancel", (e) => (e.isPrimary ? this.release() : undefined));
    stage.addEventListener("pointermove", (e) => {
      // The game has one pointer: a second finger is none.
      if (!e.isPrimary) return;
      // A second button's change comes as a move.
      this.#onButtons(e);
      if (!RAW || e.pointerType !== "mouse") this.#onMove(e);
    });
    if (RAW) {
      stage.addEventListener("pointerrawupdate", (e) => {
        if (e instanceof PointerEvent && e.pointerType === "mouse") this.#onMove(e);
      });
    }
    stage.addEventListener("wheel", (e) => this.#onWheel(e), { passive: false });
    // The browser's own use of buttons and touches.
    for (const type of ["contextmenu", "mousedown", "mouseup", "auxclick", "dragstart", "touchstart"]) {
      stage.addEventListener(type, (e) => e.preventDefault(), { passive: false });
    }
    document.addEventListener("pointerlockchange", () => events.onLockChange(this.locked));
  }

  get locked(): boolean {
    return document.pointerLockElement === this.#stage;
  }

  /** Asks for the lock; the browser grants it after a click only. */
  async lock(): Promise<void> {
    if (this.locked) return;
    try {
      // Unadjusted: without the desktop's pointer acceleration.
      await this.#stage.requestPointerLock({ unadjustedMovement: true });
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "NotSupportedError") return;
      await Promise.resolve(this.#stage.requestPointerLock()).catch(() => undefined);
    }
  }

  unlock(): void {
    if (this.locked) document.exitPointerLock();
  }

  /** Lets go of all buttons. */
  release(): void {
    this.#tellButtons(0);
    this.#swallow = false;
  }

  #onDown(event: PointerEvent): void {
    event.preventDefault();
    if (!event.isPrimary) return;
    this.#events.onPress(event.pointerType === "touch");
    if (!this.#events.active()) return;
    // Drags go on outside; a locked pointer needs no capture.
    if (!this.locked && event.isTrusted) this.#stage.setPointerCapture(event.pointerId);
    if (this.#events.wantsLock() && !this.locked && event.pointerType === "mouse") {
      this.#swallow = true;
      void this.lock();
      return;
    }
    this.#onMove(event);
    this.#onButtons(event);
  }

  #onButtons(event: PointerEvent): void {
    if (event.buttons === 0 && this.#swallow) {
      this.#swallow = false;
      return;
    }
    if (!this.#swallow && this.#events.active()) this.#tellButtons(event.buttons);
  }

  #tellButtons(buttons: number): void {
    const changed = buttons ^ this.#buttons;
    this.#buttons = buttons;
    EVDEV_BUTTONS.forEach((code, bit) => {
      if (changed & (1 << bit)) this.#events.onButton(code, (buttons & (1 << bit)) !== 0);
    });
  }

  #onMove(event: PointerEvent): void {
    if (!this.#events.active()) return;
    if (this.locked) {
      // Each of the coalesced moves is a part of the way.
      const parts = event.getCoalescedEvents?.() ?? [];
      const moves = parts.length > 0 ? parts : [event];
      const sum = (pick: (e: PointerEvent) => number): number => moves.reduce((all, e) => all + pick(e), 0);
      const [dx, dy] = [sum((e) => e.movementX), sum((e) => e.movementY)];
      if (dx !== 0 || dy !== 0) this.#events.onRelative(dx, dy);
    } else if (!this.#events.wantsLock()) {
      const { x, y } = toFraction(this.#events.picture(), event.clientX, event.clientY);
      this.#events.onAbsolute(x, y);
    }
  }

  #onWheel(event: WheelEvent): void {
    event.preventDefault();
    if (!this.#events.active()) return;
    const { dx, dy } = wheelDetents(event);
    this.#events.onScroll(dx, dy);
  }
}

/** Moves as they happen, not once a frame. */
const RAW = "onpointerrawupdate" in window;
