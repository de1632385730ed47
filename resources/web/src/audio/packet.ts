/** A packet of the sound as it comes. */
export interface Packet {
  /** When its first sample left the game, in µs since the session's start. */
  pts: number;
  /** Its group's number: packets are numbered without a gap as they are sent. */
  number: number;
  data: Uint8Array;
}
