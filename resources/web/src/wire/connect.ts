/** Opens a WebTransport session; the page has one, the worker another. */

/** Where a session is. */
export interface Address {
  /** With the signed query. */
  url: string;
  /** SHA-256 of the server's certificates. */
  hashes: Uint8Array<ArrayBuffer>[];
}

/** Rejects if the server can't be reached or doesn't let us in. */
export async function connect({ url, hashes }: Address, options: WebTransportOptions): Promise<WebTransport> {
  const transport = new WebTransport(url, {
    ...options,
    congestionControl: "low-latency",
    serverCertificateHashes: hashes.map((value) => ({ algorithm: "sha-256", value })),
  });
  // Whoever awaits `ready` hears of a failure; `closed` then rejects as well.
  transport.closed.catch(() => undefined);
  await transport.ready;
  return transport;
}
