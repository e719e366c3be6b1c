import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fakeClock } from "../../testing/fake-clock.ts";
import { deadlineAfter } from "./deadline.ts";

/** A clock whose timers fire late by what `asleepMs` gives, one for each timer. */
function sleepyClock(asleepMs: readonly number[]) {
  const clock = fakeClock();
  const left = [...asleepMs];
  let sleptMs = 0;
  return {
    ...clock,
    monotonic: () => clock.monotonic() + sleptMs,
    setTimer: (delayMs: number, fire: () => void) =>
      clock.setTimer(delayMs, () => {
        sleptMs += left.shift() ?? 0;
        fire();
      }),
  };
}

describe("a deadline", () => {
  const rows: [name: string, asleepMs: number[], runningMs: number][] = [
    ["comes when the time is over", [], 1000],
    ["comes when the timer is a little late, as on any machine", [400], 1000],
    ["gives the whole time again after the process stood still", [8000], 2000],
    ["does so as often as it stood still", [8000, 600], 3000],
  ];
  for (const [name, asleepMs, runningMs] of rows) {
    it(name, async () => {
      const clock = sleepyClock(asleepMs);
      const { signal } = deadlineAfter(1000, clock);
      await clock.advance(runningMs - 1);
      assert.equal(signal.aborted, false);
      await clock.advance(1);
      assert.equal(signal.aborted, true);
      assert.equal(clock.pendingTimers(), 0);
    });
  }
  it("never comes once the attempt has ended", async () => {
    const clock = sleepyClock([8000]);
    const { signal, cancel } = deadlineAfter(1000, clock);
    await clock.advance(1500);
    cancel();
    assert.equal(clock.pendingTimers(), 0);
    await clock.advance(5000);
    assert.equal(signal.aborted, false);
  });
});
