/** Delays that double with every failure in a row. */
export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** For attempts to reach an API server. */
export const serverBackoff: Backoff = { baseMs: 100, maxMs: 5000 };

/** For those who watch an API server on their own machine: it is back within a second, and asking it costs nothing. */
export const nearbyBackoff: Backoff = { baseMs: 50, maxMs: 500 };

/** The delay before the attempt after `failures` (1, 2, ...) failures: doubled each time, then a random half of it taken off. */
export function backoffMs(backoff: Backoff, failures: number, random: () => number = Math.random): number {
  const fullMs = Math.min(backoff.maxMs, backoff.baseMs * 2 ** Math.min(failures - 1, 30));
  return fullMs * (0.5 + random() / 2);
}
