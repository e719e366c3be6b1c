import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../testing/fake-clock.ts";
import type { Clock } from "./clock.ts";
import { startTicker } from "./ticker.ts";

interface Row {
  readonly name: string;
  /** By how much a timer fires late, or early where it is negative. */
  readonly offMs: (timer: number) => number;
  /** How long each tick takes. */
  readonly tickMs?: number;
  /** When it ticked in ten seconds, and what it was told of its lateness. */
  readonly want: readonly (readonly [atMs: number, latenessMs: number])[];
}

const seconds = (...list: number[]) => list.map((second) => [second * 1000, 0] as const);

const rows: Row[] = [
  { name: "timers that are exact", offMs: () => 0, want: seconds(1, 2, 3, 4, 5, 6, 7, 8, 9, 10) },
  {
    name: "timers that are late: the next is due when it would have been",
    offMs: (timer) => (timer < 3 ? 300 : 0),
    want: [[1300, 300], [2300, 300], [3300, 300], ...seconds(4, 5, 6, 7, 8, 9, 10)],
  },
  {
    name: "a timer that is very late: what was missed is left out",
    offMs: (timer) => (timer === 0 ? 3500 : 0),
    want: [[4500, 3500], ...seconds(5, 6, 7, 8, 9, 10)],
  },
  {
    name: "timers that are early: no tick comes twice",
    offMs: () => -1,
    want: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((second) => [second * 1000 - 1, 0] as const),
  },
  { name: "ticks that take long: one at a time", offMs: () => 0, tickMs: 2500, want: seconds(1, 4, 7, 10) },
];

for (const { name, offMs, tickMs, want } of rows) {
  test(`ticks: ${name}`, async () => {
    const time = fakeClock();
    let timers = 0;
    const clock: Clock = { ...time, setTimer: (delayMs, fire) => time.setTimer(delayMs + offMs(timers++), fire) };
    const seen: [number, number][] = [];
    const stop = startTicker(clock, 1000, async (latenessMs) => {
      seen.push([time.monotonic(), latenessMs]);
      if (tickMs) await time.sleep(tickMs);
    });
    await time.advance(10_000);
    assert.deepEqual(seen, want);
    stop();
    stop();
    await time.advance(5000);
    assert.equal(seen.length, want.length);
    assert.equal(time.pendingTimers(), 0);
  });
}
