/**
 * The connection as a whole: both sessions, and what to do when they fail. Owns the sessions' lives; after a loss it
 * tries again with the enrolled key.
 */

import { backoff } from "./backoff";
import { Control, type Events as ControlEvents } from "./control";
import type { Events as MediaEvents, Media, Receiver } from "./receiver";
import { Session, Unreachable } from "./session";
import { connect } from "./wire/connect";
import type { Bye } from "./wire/control";

export type State =
  | { kind: "connecting" }
  | { kind: "live" }
  | { kind: "reconnecting"; why: string }
  /** The server doesn't know our key, or the token was used before. */
  | { kind: "refused" }
  | { kind: "ended"; reason: string }
  /** This browser can't; there is no point in trying again. */
  | { kind: "unsupported"; why: string };

/** What the link tells the page, and asks. */
export interface Events extends Omit<ControlEvents, "onBye">, MediaEvents {
  onState(state: State): void;
  /** Both sessions are about to begin anew. */
  onStart(): void;
  /** Whether to take the input role, if it is free, when the session begins. */
  wantsInput(): boolean;
}

/** A handshake that fails this soon was answered: the server doesn't want us. Later, nothing came through. */
const ANSWERED_WITHIN_MS = 3000;
/** The first refusal may be the token's: then it is tried without it, since the key may be known all the same. */
const REFUSALS = 2;

/** What people are told where nothing, or a firewall, answers. */
export const OPEN_UDP = `port ${location.port || "443"} must be open for UDP too, not for TCP alone`;

/** When the session ends, the video may stop before the control stream has told why; a busy machine takes its time. */
const GOODBYE_MS = 3000;

/** Sessions that are open. */
interface Sessions {
  control: Control;
  media: Media;
}

export class Link {
  #session: Session | undefined;
  readonly #events: Events;
  readonly #receiver: Receiver;
  #sessions: Sessions | undefined;
  #attempt = 0;
  #refusals = 0;
  #bye: Bye | undefined;
  #wasLive = false;
  #timer: number | undefined;
  #running = false;
  /** Nothing is tried any more. */
  #over = false;

  constructor(receiver: Receiver, events: Events) {
    this.#receiver = receiver;
    this.#events = events;
  }

  /** The control session, while there is one. */
  get control(): Control | undefined {
    return this.#sessions?.control;
  }

  /** Connects, or tries again now. */
  async start(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#running || this.#over) return;
    this.#running = true;
    try {
      this.#session ??= await Session.open();
    } catch (error) {
      const why = `It keeps no key for this page (${error instanceof Error ? error.message : String(error)}).`;
      return this.#events.onState({ kind: "unsupported", why });
    }
    await this.#live(this.#session);
  }

  async #live(session: Session): Promise<void> {
    this.#bye = undefined;
    if (!this.#wasLive) this.#events.onState({ kind: "connecting" });
    const began = performance.now();
    try {
      this.#events.onStart();
      const sessions = await this.#open(session);
      this.#sessions = sessions;
      if (this.#over) return this.#close();
      this.#attempt = 0;
      this.#refusals = 0;
      this.#wasLive = true;
      this.#events.onState({ kind: "live" });
      const { control, media } = sessions;
      await Promise.race([control.closed, media.closed.then(() => sleep(GOODBYE_MS))]);
      this.#onLoss("the connection was lost");
    } catch (error) {
      if (error instanceof Unreachable) this.#onLoss("the server can't be reached");
      else if (performance.now() - began < ANSWERED_WITHIN_MS) this.#onRefusal();
      // The page and the challenge came by TCP.
      else this.#onLoss(`nothing comes through by UDP: ${OPEN_UDP}`);
    } finally {
      this.#running = false;
    }
  }

  /** Things have changed for the better: if an attempt is waited for, it is made now. */
  hurry(): Promise<void> {
    return this.#timer === undefined ? Promise.resolve() : this.start();
  }

  /** This browser can't go on: ends both sessions for good. */
  giveUp(why: string): void {
    this.stop();
    this.#events.onState({ kind: "unsupported", why });
  }

  /** Ends both sessions for good; the page goes away. */
  stop(): void {
    this.#over = true;
    this.#close();
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sessions?.control.close();
    this.#sessions?.media.close();
    this.#sessions = undefined;
  }

  async #open(session: Session): Promise<Sessions> {
    const events = this.#events;
    const enrols = session.hasToken && this.#refusals === 0;
    const control = session.address("/control", enrols).then((address) => connect(address, { requireUnreliable: true }));
    // The first session enrols the key that the second shows.
    if (enrols) {
      await control;
      session.tokenSpent();
    }
    const media = session.address("/moq", false).then((address) => this.#receiver.open(address, events));
    const [first, second] = await Promise.allSettled([control, media]);
    if (first.status === "rejected" || second.status === "rejected") {
      for (const one of [first, second]) if (one.status === "fulfilled") one.value.close();
      throw first.status === "rejected" ? first.reason : (second as PromiseRejectedResult).reason;
    }
    // Let in without it. Until here it is kept: what failed may have been the way.
    session.tokenSpent();
    const withBye: ControlEvents = {
      onWelcome: (welcome) => events.onWelcome(welcome),
      onRole: (role) => events.onRole(role),
      onScene: (scene) => events.onScene(scene),
      onTimes: (times) => events.onTimes(times),
      onMicrophone: (state) => events.onMicrophone(state),
      onBye: (bye) => this.#onBye(bye),
    };
    return {
      control: await Control.open(first.value, events.wantsInput(), "browser", withBye),
      media: second.value,
    };
  }

  #onBye(bye: Bye): void {
    this.#bye = bye;
    this.#events.onState({ kind: "ended", reason: bye.reason });
    this.#close();
  }

  #onRefusal(): void {
    if (this.#over) return;
    this.#refusals++;
    if (this.#refusals < REFUSALS) this.#again(0);
    else {
      this.#refusals = 0;
      this.#wasLive = false;
      this.#events.onState({ kind: "refused" });
    }
  }

  #onLoss(why: string): void {
    this.#close();
    if (this.#bye || this.#over) return;
    this.#events.onState({ kind: "reconnecting", why });
    this.#again(backoff(this.#attempt++, Math.random()));
  }

  #again(delay: number): void {
    this.#timer = setTimeout(() => void this.start(), delay);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
