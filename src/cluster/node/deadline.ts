import type { Clock } from "../../lib/clock.ts";

export interface Deadline {
  /** Aborts when the time is over. */
  readonly signal: AbortSignal;
  /** Call it when the attempt has ended. */
  cancel(): void;
}

/**
 * Gives an attempt `timeoutMs` during which this process could have heard the answer: a machine that slept, or was too
 * busy to let it run, stops both ends, and whoever was asked gets the whole time again.
 */
export function deadlineAfter(timeoutMs: number, clock: Clock): Deadline {
  const controller = new AbortController();
  let cancel = () => {};
  const wait = () => {
    const fromMs = clock.monotonic();
    cancel = clock.setTimer(timeoutMs, () => {
      const lateMs = clock.monotonic() - fromMs - timeoutMs;
      if (lateMs > timeoutMs / 2) wait();
      else controller.abort();
    });
  };
  wait();
  return { signal: controller.signal, cancel: () => cancel() };
}
