import type { Clock } from "../lib/clock.ts";

const offsets = new WeakMap<object, number>();

/**
 * The time by which load is filed into windows, in milliseconds: the wall clock's as it was at the first call, moved on
 * by the monotonic clock. When somebody sets the wall clock, windows neither stand still nor lose what they hold.
 */
export function steadyTime(clock: Pick<Clock, "now" | "monotonic">): () => number {
  const offsetMs = offsets.get(clock) ?? clock.now() - clock.monotonic();
  offsets.set(clock, offsetMs);
  return () => clock.monotonic() + offsetMs;
}
