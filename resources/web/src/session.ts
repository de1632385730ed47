/**
 * Who we are to the server: a P-256 key that can't leave the browser, enrolled by the one-time token of the printed
 * address. Owns the key's store, the token and the signed query of the sessions' URLs (protocols/stream.md, "Who may
 * connect").
 */

import { fromBase64Url } from "./base64url";
import { toBeSigned, toQuery } from "./wire/auth";
import type { Address } from "./wire/connect";

const DATABASE = "goggles-scope";
const STORE = "keys";

/** Where the two WebTransport sessions are. */
export type Path = "/moq" | "/control";

interface Challenge {
  nonce: string;
  certificates: string[];
}

/** The page's address without credentials or path; WebTransport is https even where the page came over http. */
export const SERVER = `https://${location.host}`;

/** The server can't be reached over HTTPS. */
export class Unreachable extends Error {
  override name = "Unreachable";
}

/** Signs us in. */
export class Session {
  readonly #keys: CryptoKeyPair;
  readonly #publicKey: Uint8Array;
  #token: Uint8Array | undefined;

  private constructor(keys: CryptoKeyPair, publicKey: Uint8Array, token: Uint8Array | undefined) {
    this.#keys = keys;
    this.#publicKey = publicKey;
    this.#token = token;
  }

  /** Loads or makes the key and takes the token out of the address. */
  static async open(): Promise<Session> {
    const keys = await loadKeys();
    const raw = new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey));
    // 24 bytes are 32 characters; anything else in the fragment isn't for us.
    const token = /^#token=([A-Za-z0-9_-]{32})$/.exec(location.hash)?.[1];
    return new Session(keys, raw, token === undefined ? undefined : fromBase64Url(token));
  }

  /** Whether there is a token that may not have been spent; with it the sessions must be opened one after the other. */
  get hasToken(): boolean {
    return this.#token !== undefined;
  }

  /** The token has been spent: it leaves the address bar, and reloading works by the key. */
  tokenSpent(): void {
    if (this.#token === undefined) return;
    this.#token = undefined;
    history.replaceState(history.state, "", location.pathname + location.search);
  }

  /** Where a session may be opened, soon and once; with the token, if it is to be spent. Rejects if the server can't be reached. */
  async address(path: Path, withToken: boolean): Promise<Address> {
    const challenge = await getChallenge();
    const hashes = challenge.certificates.map(fromBase64Url);
    const current = hashes[0];
    if (!current) throw new Unreachable("the server named no certificate");
    const nonce = fromBase64Url(challenge.nonce);
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    const signed = toBeSigned(nonce, current, path);
    const sig = new Uint8Array(await crypto.subtle.sign(algorithm, this.#keys.privateKey, signed));
    const query = toQuery({ key: this.#publicKey, nonce, sig, token: withToken ? this.#token : undefined });
    return { url: `${SERVER}${path}?${query}`, hashes };
  }
}

async function getChallenge(): Promise<Challenge> {
  try {
    const response = await fetch("/challenge", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return (await response.json()) as Challenge;
  } catch (error) {
    throw new Unreachable(error instanceof Error ? error.message : String(error));
  }
}

/** The key of this origin; the private half is not extractable, IndexedDB keeps the handle. */
async function loadKeys(): Promise<CryptoKeyPair> {
  const database = await openDatabase();
  try {
    const stored: unknown = await request(database.transaction(STORE).objectStore(STORE).get("own"));
    if (isKeyPair(stored)) return stored;
    const made = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
    await request(database.transaction(STORE, "readwrite").objectStore(STORE).put(made, "own"));
    return made;
  } finally {
    database.close();
  }
}

function isKeyPair(value: unknown): value is CryptoKeyPair {
  return typeof value === "object" && value !== null && "privateKey" in value && value.privateKey instanceof CryptoKey;
}

function openDatabase(): Promise<IDBDatabase> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  return request(opening);
}

function request<T>(of: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    of.onsuccess = () => resolve(of.result);
    of.onerror = () => reject(of.error ?? new Error("IndexedDB failed"));
  });
}
