/** What can be seen of an Opus packet without decoding it (RFC 6716, section 3.1). Pure. */

/** The longest packet that Opus allows, in µs. */
const LONGEST = 120_000;

/** How long the packet sounds, in µs; undefined: it is none. */
export function duration(packet: Uint8Array): number | undefined {
  const [toc, second] = packet;
  if (toc === undefined) return undefined;
  const config = toc >> 3;
  // Hybrid has two lengths, SILK and CELT have four.
  const frame =
    config < 12
      ? [10_000, 20_000, 40_000, 60_000][config & 3]
      : config < 16
        ? [10_000, 20_000][config & 1]
        : [2_500, 5_000, 10_000, 20_000][config & 3];
  const frames = [1, 2, 2, (second ?? 0) & 63][toc & 3];
  const us = (frame ?? 0) * (frames ?? 0);
  return us > 0 && us <= LONGEST ? us : undefined;
}
