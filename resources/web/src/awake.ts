/** Keeps the screen from going dark while there is something to be seen. Owns the lock. */

export class Awake {
  #wanted = false;
  #asking = false;
  #lock: WakeLockSentinel | undefined;

  /** Whether it is wanted from now on. The browser takes the lock away when the page is hidden: say so again when it is shown. */
  want(wanted: boolean): void {
    this.#wanted = wanted;
    if (!wanted) this.#release();
    else if (!this.#lock && !this.#asking) void this.#ask();
  }

  async #ask(): Promise<void> {
    if (!("wakeLock" in navigator)) return;
    this.#asking = true;
    try {
      const lock = await navigator.wakeLock.request("screen");
      this.#lock = lock;
      lock.addEventListener("release", () => {
        if (this.#lock === lock) this.#lock = undefined;
      });
      if (!this.#wanted) this.#release();
    } catch {
      // The battery is low, or the page is hidden: then the screen is as ever.
    } finally {
      this.#asking = false;
    }
  }

  #release(): void {
    const lock = this.#lock;
    this.#lock = undefined;
    lock?.release().catch(() => undefined);
  }
}
