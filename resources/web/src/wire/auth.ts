/** The pure parts of protocols/stream.md, "Who may connect": twin of protocols/src/auth.rs. */

import { toBase64Url } from "../base64url";

const CONTEXT = "goggles-scope/1";

/** What the client signs: context ‖ nonce ‖ SHA-256 of the certificate's DER ‖ the URL's path. */
export function toBeSigned(nonce: Uint8Array, certificate: Uint8Array, path: string): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder();
  const parts = [text.encode(CONTEXT), nonce, certificate, text.encode(path)];
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** What a session's URL shows; `token` the first time only. */
export interface Credentials {
  key: Uint8Array;
  nonce: Uint8Array;
  sig: Uint8Array;
  token: Uint8Array | undefined;
}

/** The query of the URL. */
export function toQuery({ key, nonce, sig, token }: Credentials): string {
  const parts = [`key=${toBase64Url(key)}`, `nonce=${toBase64Url(nonce)}`, `sig=${toBase64Url(sig)}`];
  if (token) parts.push(`token=${toBase64Url(token)}`);
  return parts.join("&");
}
