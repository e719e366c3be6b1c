import type { Clock } from "../lib/clock.ts";

/** At most `qps` requests per second in the long run, `burst` at once. */
export interface RateLimit {
  readonly qps: number;
  readonly burst: number;
}

/** Waits until a request may be sent, in the order of the calls. */
export type RateLimiter = (signal?: AbortSignal) => Promise<void>;

/** A token bucket; without a limit nothing ever waits. */
export function createRateLimiter(limit: RateLimit | undefined, clock: Clock): RateLimiter {
  if (!limit) return async () => {};
  const intervalMs = 1000 / limit.qps;
  // The time at which the bucket would be full again: one reservation moves it by one interval.
  let fullAt = Number.NEGATIVE_INFINITY;
  return async (signal) => {
    signal?.throwIfAborted();
    const now = clock.monotonic();
    fullAt = Math.max(fullAt, now) + intervalMs;
    const waitMs = fullAt - now - limit.burst * intervalMs;
    if (waitMs > 0) await clock.sleep(waitMs, signal);
  };
}
