/** The page's half of the wire against the vectors that hold the Rust half (protocols/vectors). */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { Estimator } from "../src/clock";
import { Sender } from "../src/input/sender";
import { decodeRedundant, encodeMicrophone } from "../src/wire/audio";
import { toBeSigned, toQuery } from "../src/wire/auth";
import { Decoder, encode, type ToServer } from "../src/wire/control";
import { decode as decodeCursor } from "../src/wire/cursor";
import { decode, encodePing, encodeReport, type Seen } from "../src/wire/datagram";
import { type Batch, encodeBatch, Keys, type Place } from "../src/wire/input";

/** Where the vectors are; the bundler puts it here. */
declare const VECTORS: string;

type Json = any; // Its shape is defined by protocols/tests/vector_json.

function vectors(name: string): Json {
  return JSON.parse(readFileSync(join(VECTORS, `${name}.json`), "utf8"));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function unhex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}

/** A decoded message in the vectors' notation. */
function noted(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(noted);
  if (typeof value !== "object" || value === null) return value;
  const snake = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
  return Object.fromEntries(Object.entries(value).map(([name, v]) => [snake(name), noted(v)]));
}

function place(value: Json): Place {
  const { motion, absolute } = value;
  return { motionX: motion[0], motionY: motion[1], absoluteSeq: absolute.seq, x: absolute.x, y: absolute.y };
}

function batch(value: Json): Batch {
  const held = new Keys();
  for (const code of value.held) assert.ok(held.set(code, true));
  return {
    epoch: value.epoch,
    seq: value.seq,
    time: value.time,
    lastAck: value.last_ack,
    ackAge: value.ack_age,
    frame: value.frame,
    place: place(value.place),
    scrollX: value.scroll[0],
    scrollY: value.scroll[1],
    held,
    edgeSeq: value.edge_seq,
    edges: value.edges.map((e: Json) => ({ ...e, place: e.place ? place(e.place) : undefined })),
  };
}

function datagramToServer(value: Json): Uint8Array {
  switch (value.kind) {
    case "input":
      return encodeBatch(batch(value));
    case "ping":
      return encodePing(value.t0);
    case "report":
      return encodeReport(value.offset ?? undefined, value.frames as Seen[]);
    case "microphone":
      return encodeMicrophone(value.seq, value.time, unhex(value.packet));
    default:
      throw new Error(`the page doesn't know ${value.kind}`);
  }
}

function controlToServer(value: Json): ToServer {
  switch (value.kind) {
    case "hello":
      return { kind: "hello", version: value.version, wantInput: value.want_input, name: value.name };
    case "take_input":
      return { kind: "takeInput" };
    case "drop_input":
      return { kind: "dropInput" };
    case "text":
      return { kind: "text", text: value.text };
    case "request_key_frame":
      return { kind: "requestKeyFrame" };
    case "loudspeakers":
      return { kind: "loudspeakers", channels: value.channels };
    case "microphone":
      return { kind: "microphone", on: value.on };
    case "playback":
      return value as unknown as ToServer;
    default:
      throw new Error(`the page doesn't know ${value.kind}`);
  }
}

const messages = vectors("messages");

test("messages to the server are encoded as the vectors say", () => {
  for (const { channel, hex: bytes, value } of messages.messages) {
    if (channel === "datagram to server") assert.equal(hex(datagramToServer(value)), bytes, value.kind);
    else if (channel === "control to server") assert.equal(hex(encode(controlToServer(value))), bytes, value.kind);
  }
});

test("messages to the page are decoded as the vectors say, whole or byte by byte", () => {
  let count = 0;
  for (const { channel, hex: text, value } of messages.messages) {
    const bytes = unhex(text);
    if (channel === "datagram to client") assert.deepEqual(noted(decode(bytes)), value);
    else if (channel === "cursor") assert.deepEqual(noted(decodeCursor(bytes)), value);
    else if (channel === "redundant") assert.deepEqual(noted(decodeRedundant(bytes)), value);
    else if (channel === "control to client") {
      assert.deepEqual(noted(new Decoder().push(bytes)), [value]);
      const decoder = new Decoder();
      assert.deepEqual(noted([...bytes].flatMap((byte) => decoder.push(Uint8Array.of(byte)))), [value]);
    } else continue;
    count++;
  }
  assert.ok(count >= 10, String(count));
});

test("what is malformed is refused", () => {
  for (const { channel, hex: text, why } of messages.malformed) {
    const bytes = unhex(text);
    const name = `${channel}: ${why}`;
    if (channel === "datagram to client") assert.throws(() => decode(bytes), name);
    else if (channel === "control to client") assert.throws(() => new Decoder().push(bytes), name);
    else if (channel === "redundant") assert.throws(() => decodeRedundant(bytes), name);
    else if (channel === "cursor") assert.throws(() => decodeCursor(bytes), name);
  }
});

test("what is signed, and the query", () => {
  const { nonce, certificate, path, hex: signed } = messages.to_be_signed;
  assert.equal(hex(toBeSigned(unhex(nonce), unhex(certificate), path)), signed);
  for (const { query, value } of messages.queries) {
    if (value.key === undefined || value.key === null) continue;
    const { key, nonce, sig, token } = value;
    const shown = { key: unhex(key), nonce: unhex(nonce), sig: unhex(sig), token: token ? unhex(token) : undefined };
    assert.equal(toQuery(shown), query);
  }
});

test("the input sender follows the script", () => {
  const { epoch, steps } = vectors("sender");
  const sender = new Sender(epoch);
  for (const { call, now, sent, deadline } of steps) {
    const [name, ...args] = call;
    if (name === "ack") {
      const ack = decode(unhex(args[0]));
      assert.ok(ack.kind === "ack");
      sender.onAck(now, ack);
    } else if (name === "shown") sender.shown(args[0]);
    else if (name === "blur" || name === "reset") sender[name as "blur"](now);
    else if (name === "key") sender.key(now, args[0], args[1]);
    else if (name !== "poll") sender[name as "relative" | "scroll" | "absolute"](now, args[0], args[1]);
    const batch = sender.poll(now);
    assert.equal(batch ? hex(encodeBatch(batch)) : null, sent, `${name} at ${now}`);
    assert.equal(sender.deadline() ?? null, deadline, `${name} at ${now}`);
  }
});

test("the clock follows the script", () => {
  const clock = new Estimator();
  for (const { ping, pong, now, offset, rtt, deadline } of vectors("clock").steps) {
    const { t0, t1, t2 } = decode(unhex(pong)) as { t0: number; t1: number; t2: number };
    assert.ok(clock.poll(t0));
    assert.equal(hex(encodePing(t0)), ping);
    clock.onPong(now, { t0, t1, t2 });
    assert.equal(clock.offset(now), offset, `at ${now}`);
    assert.equal(clock.leastRoundTrip(), rtt, `at ${now}`);
    assert.equal(clock.deadline(), deadline, `at ${now}`);
  }
});
