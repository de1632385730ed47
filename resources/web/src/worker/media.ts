/** The `/moq` session: the broadcast's tracks. Runs in the worker; owns the MoQ connection; decodes nothing. */

import { Broadcast, Connection, type Group, Path, type Track, Varint } from "@moq/net";
import type { Packet } from "../audio/packet";
import { soundTrack } from "../audio/redundancy";
import { VIDEO, type VideoConfig, videoConfig } from "../catalog";
import { decodeRedundant } from "../wire/audio";
import { decode, type Update } from "../wire/cursor";
import type { Chunk } from "./messages";

/** The MoQ version that both sides speak, named in the WebTransport's handshake: the first one with datagrams. */
export const PROTOCOLS = ["moq-lite-05"];

/** What the session tells, and asks. */
export interface Events {
  /** The page's clock, in µs. */
  now(): number;
  onConfig(config: VideoConfig): void;
  /** A catalog came; what it says of the sound is in it. */
  onCatalog(catalog: unknown): void;
  /** A packet of a rendition of the sound, and those before it once more (oldest first) if the track has them. */
  onAudio(name: string, newest: Packet, earlier: Packet[]): void;
  onChunk(chunk: Chunk): void;
  onCursor(updates: Update[]): void;
}

export class Media {
  readonly #transport: WebTransport;
  readonly #events: Events;
  #broadcast: Broadcast.Consumer | undefined;
  /** The sound's rendition that is wanted, and the track that is being read. */
  #wanted: string | undefined;
  #audio: Track.Subscriber | undefined;
  /** Settles when the session is over, never rejects. */
  readonly closed: Promise<void>;

  constructor(transport: WebTransport, events: Events) {
    this.#transport = transport;
    this.#events = events;
    this.closed = Promise.race([this.#run(), transport.closed]).then(
      () => this.close(),
      (error: unknown) => {
        console.warn("the video session ended:", error);
        this.close();
      },
    );
  }

  close(): void {
    try {
      this.#transport.close();
    } catch {
      // It was closed already.
    }
  }

  /** Which track of the sound to read, a rendition's or the redundant one beside it; undefined: none. */
  listen(name: string | undefined): void {
    if (name === this.#wanted) return;
    this.#wanted = name;
    this.#listen();
  }

  async #run(): Promise<void> {
    const moq = await Connection.connect(new URL("/moq", location.origin.replace(/^http:/, "https:")), { transport: this.#transport });
    const announced = moq.announced();
    // The session has one broadcast, whatever its name is.
    for (;;) {
      const event = await announced.next();
      if (!event) return;
      if (!event.active) continue;
      this.#broadcast?.close();
      this.#broadcast = moq.consume(Path.from(event.path));
      this.#watch(this.#broadcast);
      this.#listen();
    }
  }

  #watch(broadcast: Broadcast.Consumer): void {
    const tracks = [this.#catalog(broadcast), this.#video(broadcast), this.#cursor(broadcast)];
    for (const track of tracks) track.catch((error: unknown) => console.warn("a track ended:", error));
  }

  async #catalog(broadcast: Broadcast.Consumer): Promise<void> {
    const track = broadcast.track("catalog.json").subscribe({ priority: 100 });
    for (;;) {
      const catalog: unknown = await track.readJson();
      if (catalog === undefined) return;
      this.#events.onCatalog(catalog);
      const config = videoConfig(catalog);
      if (config) this.#events.onConfig(config);
      else console.warn("a catalog without a video that we understand:", catalog);
    }
  }

  async #video(broadcast: Broadcast.Consumer): Promise<void> {
    const newest = { group: -1 };
    await eachGroup(broadcast.track(VIDEO).subscribe({ priority: 60 }), async (group) => {
      let key = true;
      for (;;) {
        const frame = await group.readFrame();
        // A group is worth reading until a newer one has begun.
        if (!frame || group.sequence < newest.group) break;
        newest.group = group.sequence;
        const received = this.#events.now();
        const [ptsUs, data] = Varint.decode(frame.payload);
        // A copy, since it goes to the page together with its buffer.
        this.#events.onChunk({ ptsUs, data: data.slice(), key, received });
        key = false;
      }
      group.close();
    });
  }

  #listen(): void {
    const before = this.#audio;
    this.#audio = undefined;
    if (this.#wanted !== undefined && this.#broadcast) {
      this.#audio = this.#broadcast.track(this.#wanted).subscribe({ priority: 80 });
      this.#sound(this.#audio, before).catch((error: unknown) => console.warn("the sound's track ended:", error));
    } else before?.close();
  }

  /** Reads a track; `before` is read until this one has given something. */
  async #sound(track: Track.Subscriber, before: Track.Subscriber | undefined): Promise<void> {
    const { name, redundant } = soundTrack(track.name);
    const take: Take = (payload, number) => {
      before?.close();
      before = undefined;
      try {
        const [pts, data] = Varint.decode(payload);
        // Packets may overtake each other; the player puts them in order.
        if (!redundant) return this.#events.onAudio(name, { pts, number, data }, []);
        const { earlier, packet } = decodeRedundant(data);
        // They are those just before it.
        const first = number - earlier.length;
        const others = earlier.map((one, n) => ({ pts: pts - one.age, number: first + n, data: one.packet }));
        this.#events.onAudio(name, { pts, number, data: packet }, others);
      } catch (error) {
        console.warn("a packet of the sound is dropped:", error);
      }
    };
    try {
      await Promise.all([eachDatagram(track, take), eachSingle(track, take)]);
    } finally {
      before?.close();
    }
  }

  async #cursor(broadcast: Broadcast.Consumer): Promise<void> {
    const newest = { group: -1 };
    await eachGroup(broadcast.track("cursor").subscribe({ priority: 90 }), async (group) => {
      for (;;) {
        const frame = await group.readFrame();
        if (!frame || group.sequence < newest.group) break;
        newest.group = group.sequence;
        this.#events.onCursor(decode(frame.payload));
      }
      group.close();
    });
  }
}

/** Reads the groups side by side: a newer one may come while the last is still arriving. */
async function eachGroup(track: Track.Subscriber, read: (group: Group.Consumer) => Promise<void>): Promise<void> {
  for (;;) {
    const group = await track.nextGroup();
    if (!group) return;
    read(group).catch((error: unknown) => {
      // The server cut the group short because we were too slow; it starts another.
      console.warn(`group ${group.sequence} of ${track.name} ended early:`, error);
      group.close();
    });
  }
}

/** Takes a payload, and the number of its group. */
type Take = (payload: Uint8Array<ArrayBuffer>, number: number) => void;

async function eachDatagram(track: Track.Subscriber, take: Take): Promise<void> {
  for (;;) {
    const datagram = await track.recvDatagram();
    if (!datagram) return;
    take(datagram.payload as Uint8Array<ArrayBuffer>, datagram.sequence);
  }
}

/** Reads groups of one frame, also those that were overtaken. */
async function eachSingle(track: Track.Subscriber, take: Take): Promise<void> {
  for (;;) {
    const group = await track.recvGroup();
    if (!group) return;
    group.readFrame().then(
      (frame) => {
        if (frame) take(frame.payload as Uint8Array<ArrayBuffer>, group.sequence);
        group.close();
      },
      () => group.close(),
    );
  }
}
