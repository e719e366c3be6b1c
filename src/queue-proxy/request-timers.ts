import type { CancelTimer, Clock } from "../lib/clock.ts";
import type { Deadline, DeadlineQueue, Expiring } from "./deadlines.ts";

/** The timers of a request; absent: off. */
export interface Timeouts {
  /** Undefined: the revision's time-out is 0, every request is answered 504 at once. */
  readonly revision: DeadlineQueue | undefined;
  readonly responseStart: DeadlineQueue | undefined;
  /** Time without a write to the client, in milliseconds. */
  readonly idleMs: number;
  /** An answer that has begun, a tunnel among them, is not ended by any timer. Ours; upstream's way is false. */
  readonly spareBegun: boolean;
}

/** Whose time the timers keep. */
export interface TimedRequest {
  /** The time is over. */
  timedOut(): void;
}

/** What the timers watch. */
export interface Watched {
  /** When something was last written to the client, on the monotonic clock; negative: nothing yet. */
  readonly lastWriteMs: number;
  /** The final head, or the switch of protocols, is under way. */
  readonly begun: boolean;
}

/** One request's three timers, from its arrival on. Source: serving v0.42.2 pkg/http/handler/timeout.go. */
export class RequestTimers implements Expiring {
  private readonly clock: Clock;
  private readonly timeouts: Timeouts;
  private readonly watched: Watched;
  private readonly owner: TimedRequest;
  private revision: Deadline | undefined;
  private responseStart: Deadline | undefined;
  private cancelIdle: CancelTimer | undefined;

  constructor(clock: Clock, timeouts: Timeouts, watched: Watched, owner: TimedRequest) {
    this.clock = clock;
    this.timeouts = timeouts;
    this.watched = watched;
    this.owner = owner;
  }

  /** False: the time is over already. */
  start(): boolean {
    const { revision, responseStart, idleMs } = this.timeouts;
    if (!revision) {
      this.owner.timedOut();
      return false;
    }
    this.revision = revision.add(this);
    this.responseStart = responseStart?.add(this);
    if (idleMs > 0) this.watchIdle(idleMs);
    return true;
  }

  cancel(): void {
    this.revision?.cancel();
    this.responseStart?.cancel();
    this.cancelIdle?.();
  }

  /** The answer had to begin by now; one that has begun may go on for as long as it likes. */
  expired(): void {
    if (this.watched.lastWriteMs < 0 && !this.isSpared()) this.owner.timedOut();
  }

  private watchIdle(delayMs: number): void {
    this.cancelIdle = this.clock.setTimer(delayMs, () => this.checkIdle());
  }

  private checkIdle(): void {
    if (this.isSpared()) return;
    const { lastWriteMs } = this.watched;
    const { idleMs } = this.timeouts;
    const quietMs = this.clock.monotonic() - lastWriteMs;
    if (lastWriteMs < 0 || quietMs >= idleMs) this.owner.timedOut();
    else this.watchIdle(idleMs - quietMs);
  }

  private isSpared(): boolean {
    return this.timeouts.spareBegun && this.watched.begun;
  }
}
