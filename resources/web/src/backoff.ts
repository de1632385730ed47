/** How long to wait before the n-th attempt after a loss (from 0), in ms; `random` is 0 to 1. */
export function backoff(attempt: number, random: number): number {
  return Math.min(5000, 250 * 2 ** Math.min(attempt, 10)) * (0.75 + random / 4);
}
