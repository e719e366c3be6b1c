import type { CancelTimer, Clock } from "./clock.ts";

/**
 * Calls `tick` every `intervalMs`, aligned to the start, so that slow ticks cause no drift. A tick that is still running
 * when the next is due makes that one be left out. `tick` must not reject. The returned function stops it.
 */
export function startTicker(clock: Clock, intervalMs: number, tick: () => void | Promise<void>): CancelTimer {
  const startedAt = clock.monotonic();
  let running = false;
  let stopped = false;
  let cancel: CancelTimer;
  const arm = () => {
    const elapsed = clock.monotonic() - startedAt;
    const dueIn = (Math.floor(elapsed / intervalMs) + 1) * intervalMs - elapsed;
    cancel = clock.setTimer(dueIn, () => {
      arm();
      if (running) return;
      running = true;
      void Promise.resolve(tick()).finally(() => {
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
