import { type Clock, pause } from "../lib/clock.ts";

/** What those who follow one server share of the times when it cannot be reached. */
export interface Outage {
  /** Waits before the next attempt; for a server that cannot be `reached` no longer than until somebody else has reached it. */
  wait(delayMs: number, reached: boolean): Promise<void>;
  /** Says that the server, which could not be reached, answers again. */
  over(): void;
}

/** Where connections come and go, one is no reason for all to try again but once in so long. */
const calmMs = 5000;

/**
 * Whoever finds the server first after an outage lets all others try at once: caches that come back seconds apart would
 * show states that never were. All waits end when the signal aborts.
 */
export function createOutage(clock: Clock, signal: AbortSignal): Outage {
  const waiting = new Set<AbortController>();
  let lastOverMs = Number.NEGATIVE_INFINITY;

  return {
    async wait(delayMs, reached) {
      if (reached) {
        await pause(clock, delayMs, signal);
        return;
      }
      const wait = new AbortController();
      waiting.add(wait);
      await pause(clock, delayMs, AbortSignal.any([signal, wait.signal]));
      waiting.delete(wait);
    },
    over() {
      const now = clock.monotonic();
      if (now - lastOverMs < calmMs) return;
      lastOverMs = now;
      for (const wait of waiting) wait.abort();
    },
  };
}
