import type { Clock } from "../lib/clock.ts";

/** How long no request may arrive before a drain ends: lets the network learn that the pod goes away. */
const quietPeriodMs = 30_000;

/** Whether probes pass, and when it is quiet enough to stop. Source: knative.dev/pkg network/handlers/drain.go. */
export interface Drainer {
  readonly draining: boolean;
  /** Starts or joins the drain; resolves when no request came for the quiet period, or at `reset`. */
  drain(): Promise<void>;
  /** Calls the drain off: its waiters go on, probes pass again. */
  reset(): void;
  /** A request that is no probe arrived: the quiet period starts again. */
  touch(): void;
}

/** Creates a drainer that is serving. */
export function createDrainer(clock: Clock, quietMs = quietPeriodMs): Drainer {
  let current: { done: Promise<void>; finish: () => void; cancelTimer: () => void; quiet: boolean } | undefined;
  return {
    get draining() {
      return current !== undefined;
    },
    drain() {
      if (!current) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const started = { done: promise, finish: resolve, cancelTimer: () => {}, quiet: false };
        current = started;
        arm(started);
      }
      return current.done;
    },
    reset() {
      const stopped = current;
      current = undefined;
      stopped?.cancelTimer();
      stopped?.finish();
    },
    touch() {
      if (!current || current.quiet) return;
      current.cancelTimer();
      arm(current);
    },
  };

  function arm(state: NonNullable<typeof current>): void {
    state.cancelTimer = clock.setTimer(quietMs, () => {
      state.quiet = true;
      state.finish();
    });
  }
}
