import { type CancelTimer, type Clock, sleepWith } from "../lib/clock.ts";

interface Timer {
  readonly dueAt: number;
  readonly sequence: number;
  readonly fire: () => void;
}

/** A clock that stands still until `advance` moves it; due timers fire in order of time, then of creation. */
export interface FakeClock extends Clock {
  /** Moves time forward, firing what becomes due; lets pending promises settle between timers. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock forward or back, as a system that has slept or found out the right time; nothing else moves. */
  jump(ms: number): void;
  /** Timers not yet fired nor cancelled: zero after a clean shutdown. */
  pendingTimers(): number;
}

/** Creates a clock that reads `startMs` (Unix epoch milliseconds). */
export function fakeClock(startMs = Date.parse("2024-01-01T00:00:00Z")): FakeClock {
  let nowMs = startMs;
  let wallAheadMs = 0;
  let sequence = 0;
  const timers = new Set<Timer>();

  const nextDue = (limit: number): Timer | undefined => {
    let next: Timer | undefined;
    for (const timer of timers) {
      if (timer.dueAt > limit) continue;
      if (!next || timer.dueAt < next.dueAt || (timer.dueAt === next.dueAt && timer.sequence < next.sequence)) {
        next = timer;
      }
    }
    return next;
  };

  const clock: FakeClock = {
    now: () => nowMs + wallAheadMs,
    monotonic: () => nowMs - startMs,
    setTimer(delayMs, fire): CancelTimer {
      const timer = { dueAt: nowMs + Math.max(0, delayMs), sequence: sequence++, fire };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    sleep: (delayMs, signal) => sleepWith(clock, delayMs, signal),
    async advance(ms) {
      const end = nowMs + ms;
      await settle();
      for (let timer = nextDue(end); timer; timer = nextDue(end)) {
        timers.delete(timer);
        nowMs = timer.dueAt;
        timer.fire();
        await settle();
      }
      nowMs = end;
      await settle();
    },
    jump(ms) {
      wallAheadMs += ms;
    },
    pendingTimers: () => timers.size,
  };
  return clock;
}

/** Lets every promise that can settle without time or I/O do so. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
