/** Why a request got no slot. */
export const queueFullMessage = "pending request queue full";

/** Limits how many requests run at once; the rest wait in order of arrival. */
export interface Breaker {
  /** Asks for a slot: the request has been started, is refused, or waits until it is started. */
  enter(request: SlotSeeker): "started" | "full" | "waiting";
  /** Takes a request that waits out of the queue. */
  withdraw(request: SlotSeeker): void;
  /** Gives a slot back. */
  leave(): void;
  /** Requests running or waiting. */
  inFlight(): number;
}

/** What asks for a slot. */
export interface SlotSeeker {
  /** The request has a slot. */
  admitted(): void;
}

/**
 * Creates a breaker with `concurrency` slots and a queue of `queueDepth`. First come, first served; upstream lets a new
 * arrival overtake. Source: serving v0.42.2 pkg/queue/breaker.go.
 */
export function createBreaker(concurrency: number, queueDepth: number): Breaker {
  const waiting = new Set<SlotSeeker>();
  let running = 0;
  return {
    enter(request) {
      if (running < concurrency) {
        running++;
        request.admitted();
        return "started";
      }
      if (running + waiting.size >= concurrency + queueDepth) return "full";
      waiting.add(request);
      return "waiting";
    },
    withdraw(request) {
      waiting.delete(request);
    },
    leave() {
      if (waiting.size === 0) {
        running--;
        return;
      }
      // The slot passes on; `running` stays.
      const [next] = waiting;
      waiting.delete(next!);
      next!.admitted();
    },
    inFlight: () => running + waiting.size,
  };
}
