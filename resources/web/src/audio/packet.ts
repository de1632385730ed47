/** A packet of the sound as it comes. */
export interface Packet {
  /** When its first sample left the game, in µs since the session's start. */
  pts: number;
  data: Uint8Array;
}
