import type { Clock } from "../lib/clock.ts";
import { ConnectionError, errorCode } from "./codec/http2-frames.ts";

/** Events that cost us more than the peer: a peer may cause this many at once, and so many more per second or answer. */
const nuisanceBudget = 1000;
const nuisanceRefillPerSecond = 100;

/** What one peer may cost us: floods of resets, pings, settings and empty frames end its connection. */
export class Patience {
  private readonly clock: Clock;
  private left = nuisanceBudget;
  private refilledMs: number;

  constructor(clock: Clock) {
    this.clock = clock;
    this.refilledMs = clock.monotonic();
  }

  /** Counts an event that a hostile peer could cause for free. Throws ConnectionError when there were too many. */
  nuisance(): void {
    if (--this.left >= 0) return;
    const now = this.clock.monotonic();
    const refill = Math.floor(((now - this.refilledMs) / 1000) * nuisanceRefillPerSecond);
    if (refill < 1) throw new ConnectionError(errorCode.enhanceYourCalm, "too many control frames or resets");
    this.refilledMs = now;
    this.left = Math.min(nuisanceBudget, refill);
  }

  /** A stream ended well: the peer has earned some patience. */
  pleased(): void {
    if (this.left < nuisanceBudget) this.left++;
  }
}
