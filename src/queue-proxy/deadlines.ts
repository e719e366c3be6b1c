import type { CancelTimer, Clock } from "../lib/clock.ts";

/** What a deadline is for. */
export interface Expiring {
  /** The deadline has come. */
  expired(): void;
}

/** Many timers of one and the same delay, at the price of one timer of the clock. */
export interface DeadlineQueue {
  /** Tells `owner` after the queue's delay, unless the deadline is cancelled before. */
  add(owner: Expiring): Deadline;
  /** Cancels everything. */
  clear(): void;
}

/** One timer of a queue. */
export class Deadline {
  /** On the monotonic clock; negative: cancelled, or over. */
  dueAt = -1;
  readonly owner: Expiring;
  private readonly list: DeadlineList;
  previous: Deadline | undefined;
  next: Deadline | undefined;

  constructor(list: DeadlineList, owner: Expiring) {
    this.list = list;
    this.owner = owner;
    this.previous = undefined;
    this.next = undefined;
  }

  /** Starts it again, the queue's whole delay from now. */
  renew(): void {
    this.cancel();
    this.list.append(this);
  }

  cancel(): void {
    if (this.dueAt < 0) return;
    this.dueAt = -1;
    this.list.unlink(this);
  }
}

class DeadlineList implements DeadlineQueue {
  private readonly clock: Clock;
  private readonly delayMs: number;
  private first: Deadline | undefined;
  private last: Deadline | undefined;
  private cancelTimer: CancelTimer | undefined;

  constructor(clock: Clock, delayMs: number) {
    this.clock = clock;
    this.delayMs = delayMs;
  }

  add(owner: Expiring): Deadline {
    const deadline = new Deadline(this, owner);
    this.append(deadline);
    return deadline;
  }

  append(deadline: Deadline): void {
    deadline.dueAt = this.clock.monotonic() + this.delayMs;
    deadline.previous = this.last;
    if (this.last) this.last.next = deadline;
    else this.first = deadline;
    this.last = deadline;
    // The timer stays when deadlines are cancelled: it finds nothing due and is set anew, or rests.
    this.cancelTimer ??= this.clock.setTimer(this.delayMs, this.run);
  }

  clear(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    this.first = undefined;
    this.last = undefined;
  }

  unlink(deadline: Deadline): void {
    const { previous, next } = deadline;
    if (previous) previous.next = next;
    else this.first = next;
    if (next) next.previous = previous;
    else this.last = previous;
    deadline.previous = undefined;
    deadline.next = undefined;
  }

  private readonly run = () => {
    this.cancelTimer = undefined;
    const now = this.clock.monotonic();
    while (this.first && this.first.dueAt <= now) {
      const { first } = this;
      first.cancel();
      first.owner.expired();
    }
    if (this.first && !this.cancelTimer) this.cancelTimer = this.clock.setTimer(this.first.dueAt - now, this.run);
  };
}

/** Creates a queue whose deadlines all lie `delayMs` after they were added. */
export function createDeadlineQueue(clock: Clock, delayMs: number): DeadlineQueue {
  return new DeadlineList(clock, delayMs);
}
