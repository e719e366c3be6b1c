/** Why a request got no slot. */
export const queueFullMessage = "pending request queue full";

/** Limits how many requests run at once; the rest wait in order of arrival. */
export interface Breaker {
  /**
   * Asks for a slot. "started": `start` was called. "full": refused. Otherwise the request waits, and the returned
   * function takes it out of the queue (false: it has started already).
   */
  enter(start: () => void): "started" | "full" | (() => boolean);
  /** Gives a slot back. */
  leave(): void;
  /** Requests running or waiting. */
  inFlight(): number;
}

interface Waiter {
  start: (() => void) | undefined;
}

/**
 * Creates a breaker with `concurrency` slots and a queue of `queueDepth`. First come, first served; upstream lets a new
 * arrival overtake. Source: serving v0.42.2 pkg/queue/breaker.go.
 */
export function createBreaker(concurrency: number, queueDepth: number): Breaker {
  const waiting = new Set<Waiter>();
  let running = 0;
  return {
    enter(start) {
      if (running < concurrency) {
        running++;
        start();
        return "started";
      }
      if (running + waiting.size >= concurrency + queueDepth) return "full";
      const waiter: Waiter = { start };
      waiting.add(waiter);
      return () => waiting.delete(waiter);
    },
    leave() {
      const next = waiting.values().next();
      if (next.done) {
        running--;
        return;
      }
      // The slot passes on; `running` stays.
      waiting.delete(next.value);
      next.value.start?.();
    },
    inFlight: () => running + waiting.size,
  };
}
