import type { CancelTimer, Clock } from "./clock.ts";

/**
 * Calls `tick` every `intervalMs`, aligned to the start, so that slow ticks cause no drift. A tick that is still running
 * when the next is due makes that one be left out. `tick` is told how late it is, and must not reject. The returned
 * function stops it.
 * Ticks are counted: a timer that fires a millisecond early, as Node's may, does not make one of them come twice.
 */
export function startTicker(
  clock: Clock,
  intervalMs: number,
  tick: (latenessMs: number) => void | Promise<void>,
): CancelTimer {
  const startedAt = clock.monotonic();
  let tickNumber = 0;
  let running = false;
  let stopped = false;
  let cancel: CancelTimer;
  const arm = () => {
    const elapsedMs = clock.monotonic() - startedAt;
    tickNumber = Math.max(tickNumber, Math.floor(elapsedMs / intervalMs)) + 1;
    const dueMs = tickNumber * intervalMs;
    cancel = clock.setTimer(dueMs - elapsedMs, () => {
      arm();
      if (running) return;
      running = true;
      const latenessMs = Math.max(0, clock.monotonic() - startedAt - dueMs);
      void Promise.resolve(tick(latenessMs)).finally(() => {
        running = false;
      });
    });
  };
  arm();
  return () => {
    if (stopped) return;
    stopped = true;
    cancel();
  };
}
