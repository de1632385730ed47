/** The worker's entry, bundled by itself: reads the media session and decodes the sound. Owns one of each at most. */

import { Decoding } from "../audio/decoding";
import type { Packet } from "../audio/packet";
import { type Address, connect } from "../wire/connect";
import { Media, PROTOCOLS } from "./media";
import type { FromSession, FromVoice, FromWorker, ToWorker } from "./messages";

// What a worker has; TypeScript knows only the page's side.
declare function postMessage(message: FromWorker, transfer?: Transferable[]): void;

let media: Media | undefined;
let newest = 0;
let track: string | undefined;
let decoding: Decoding | undefined;

function ofSession(session: number, said: FromSession, transfer: Transferable[] = []): void {
  postMessage({ session, said }, transfer);
}

function ofVoice(voice: number, said: FromVoice): void {
  postMessage({ voice, said });
}

function onAudio(name: string, newest: Packet, earlier: Packet[]): void {
  if (decoding?.name === name) decoding.packets(newest, earlier);
}

async function open(session: number, address: Address, origin: number): Promise<void> {
  newest = session;
  media?.close();
  media = undefined;
  let transport: WebTransport;
  try {
    transport = await connect(address, { protocols: PROTOCOLS } as WebTransportOptions);
  } catch (error) {
    return ofSession(session, { kind: "refused", why: String(error) });
  }
  // It was closed, or another one was opened, in the meantime.
  if (session !== newest) return transport.close();
  // Both clocks are the same but for where they begin.
  const ahead = performance.timeOrigin - origin;
  const opened = new Media(transport, {
    now: () => Math.floor((performance.now() + ahead) * 1000),
    onConfig: (config) => ofSession(session, { kind: "config", config }),
    onCatalog: (catalog) => ofSession(session, { kind: "catalog", catalog }),
    onAudio,
    onChunk: (chunk) => ofSession(session, { kind: "chunk", chunk }, [chunk.data.buffer]),
    onCursor: (updates) => ofSession(session, { kind: "cursor", updates }),
  });
  media = opened;
  opened.listen(track);
  ofSession(session, { kind: "opened" });
  await opened.closed;
  ofSession(session, { kind: "closed" });
}

function close(): void {
  newest = 0;
  media?.close();
  media = undefined;
}

function silence(): void {
  decoding?.close();
  decoding = undefined;
}

addEventListener("message", ({ data: message }: MessageEvent<ToWorker>) => {
  switch (message.kind) {
    case "open":
      return void open(message.session, message.address, message.origin);
    case "close":
      return close();
    case "listen":
      track = message.track;
      return media?.listen(track);
    case "voice": {
      const { voice, config, sink } = message;
      silence();
      decoding = new Decoding(config, sink, {
        onHelped: () => ofVoice(voice, { kind: "helped" }),
        onFailed: (why) => ofVoice(voice, { kind: "failed", why }),
      });
      return;
    }
    case "silence":
      return silence();
    case "packets":
      return onAudio(message.name, message.newest, message.earlier);
  }
});
