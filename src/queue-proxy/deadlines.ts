import type { CancelTimer, Clock } from "../lib/clock.ts";

interface Entry {
  dueAt: number;
  fire: (() => void) | undefined;
  previous: Entry | undefined;
  next: Entry | undefined;
}

/** Many timers of one and the same delay, at the price of one timer of the clock. */
export interface DeadlineQueue {
  /** Calls `fire` after the queue's delay; the returned function cancels it. */
  add(fire: () => void): () => void;
  /** Cancels everything. */
  clear(): void;
}

/** Creates a queue whose deadlines all lie `delayMs` after they were added. */
export function createDeadlineQueue(clock: Clock, delayMs: number): DeadlineQueue {
  let first: Entry | undefined;
  let last: Entry | undefined;
  let cancelTimer: CancelTimer | undefined;

  const unlink = (entry: Entry) => {
    if (entry.previous) entry.previous.next = entry.next;
    else first = entry.next;
    if (entry.next) entry.next.previous = entry.previous;
    else last = entry.previous;
    entry.previous = undefined;
    entry.next = undefined;
  };
  const run = () => {
    cancelTimer = undefined;
    const now = clock.monotonic();
    while (first && first.dueAt <= now) {
      const { fire } = first;
      first.fire = undefined;
      unlink(first);
      fire?.();
    }
    if (first && !cancelTimer) cancelTimer = clock.setTimer(first.dueAt - now, run);
  };
  return {
    add(fire) {
      const entry: Entry = { dueAt: clock.monotonic() + delayMs, fire, previous: last, next: undefined };
      if (last) last.next = entry;
      else first = entry;
      last = entry;
      // The timer stays when entries are cancelled: it finds nothing due and is set anew, or rests.
      cancelTimer ??= clock.setTimer(delayMs, run);
      return () => {
        if (!entry.fire) return;
        entry.fire = undefined;
        unlink(entry);
      };
    },
    clear() {
      cancelTimer?.();
      cancelTimer = undefined;
      first = undefined;
      last = undefined;
    },
  };
}
