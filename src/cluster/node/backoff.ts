/** Delays that double with every failure, and start anew after a long time without one. */
export interface RestartBackoff {
  /** How long to wait still before the attempt after a failure at `failedAtMs`. */
  waitMs(failedAtMs: number, nowMs: number): number;
  /** The delay in force, for messages. */
  delayMs(): number;
  /** An attempt is made: the next failure waits longer. */
  next(nowMs: number): void;
}

/** The kubelet's for containers and images: at once, then 10 s, doubling to 5 min; forgotten after 10 min. */
export function createRestartBackoff(baseMs = 10_000, maxMs = 300_000): RestartBackoff {
  let delay = 0;
  let raisedAt = 0;
  const forget = (nowMs: number) => {
    if (nowMs - raisedAt > 2 * maxMs) delay = 0;
  };
  return {
    waitMs(failedAtMs, nowMs) {
      forget(nowMs);
      // Never longer than the delay, even where the wall clock was set back since.
      return Math.min(delay, Math.max(0, failedAtMs + delay - nowMs));
    },
    delayMs: () => delay,
    next(nowMs) {
      forget(nowMs);
      delay = delay === 0 ? baseMs : Math.min(delay * 2, maxMs);
      raisedAt = nowMs;
    },
  };
}
