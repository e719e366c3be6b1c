import type { Clock } from "../lib/clock.ts";
import type { DeadlineQueue } from "./deadlines.ts";

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

/** What the timers watch. */
export interface Watched {
  /** When something was last written to the client, on the monotonic clock; negative: nothing yet. */
  readonly lastWriteMs: number;
  /** The final head, or the switch of protocols, is under way. */
  readonly begun: boolean;
}

/** One request's three timers, from its arrival on. Source: serving v0.42.2 pkg/http/handler/timeout.go. */
export class RequestTimers {
  private readonly clock: Clock;
  private readonly timeouts: Timeouts;
  private readonly watched: Watched;
  private readonly timedOut: () => void;
  private cancelRevision: (() => void) | undefined;
  private cancelResponseStart: (() => void) | undefined;
  private cancelIdle: (() => void) | undefined;

  constructor(clock: Clock, timeouts: Timeouts, watched: Watched, timedOut: () => void) {
    this.clock = clock;
    this.timeouts = timeouts;
    this.watched = watched;
    this.timedOut = timedOut;
  }

  /** False: the time is over already. */
  start(): boolean {
    const { revision, responseStart, idleMs } = this.timeouts;
    if (!revision) {
      this.timedOut();
      return false;
    }
    this.cancelRevision = revision.add(this.demandStart);
    this.cancelResponseStart = responseStart?.add(this.demandStart);
    if (idleMs > 0) this.cancelIdle = this.clock.setTimer(idleMs, this.checkIdle);
    return true;
  }

  cancel(): void {
    this.cancelRevision?.();
    this.cancelResponseStart?.();
    this.cancelIdle?.();
  }

  /** An answer that has begun may go on for as long as it likes. */
  private readonly demandStart = () => {
    if (this.watched.lastWriteMs < 0 && !this.isSpared()) this.timedOut();
  };

  private readonly checkIdle = () => {
    if (this.isSpared()) return;
    const { lastWriteMs } = this.watched;
    const { idleMs } = this.timeouts;
    const quietMs = this.clock.monotonic() - lastWriteMs;
    if (lastWriteMs < 0 || quietMs >= idleMs) this.timedOut();
    else this.cancelIdle = this.clock.setTimer(idleMs - quietMs, this.checkIdle);
  };

  private isSpared(): boolean {
    return this.timeouts.spareBegun && this.watched.begun;
  }
}
