/**
 * Fewer loudspeakers than channels. Browsers mix 5.1 down by themselves (Web Audio, "up-mixing and down-mixing"), but of 7.1
 * they would play the first channels only: so 7.1 is made 5.1 here. Pure.
 */

/** Each of two that share a loudspeaker: the loudness of uncorrelated sounds stays what it was. */
const SHARE = Math.SQRT1_2;

/** To how many channels a rendition of `channels` is folded for `loudspeakers`. */
export function heardOf(channels: number, loudspeakers: number): number {
  return channels === 8 && loudspeakers < 8 ? 6 : channels;
}

/** FL FR FC LFE RL RR SL SR becomes FL FR FC LFE and the two behind, in place: the first six planes hold it. */
export function fold(planes: readonly Float32Array[]): void {
  for (const [rear, side] of [
    [planes[4], planes[6]],
    [planes[5], planes[7]],
  ]) {
    if (rear && side) for (let n = 0; n < rear.length; n++) rear[n] = SHARE * (rear[n]! + side[n]!);
  }
}
