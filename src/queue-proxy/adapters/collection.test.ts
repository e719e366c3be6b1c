import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../../testing/fake-clock.ts";
import { createCollection } from "./collection.ts";

const megabyte = 1024 * 1024;
/** Waits of so many milliseconds, each after the receipt of so many bytes; how many collections that makes. */
const cases: readonly [name: string, received: readonly (readonly [bytes: number, thenMs: number])[], count: number][] =
  [
    ["a load, then quiet: one", [[8 * megabyte, 3000]], 1],
    ["the load goes on: none yet", Array.from({ length: 9 }, () => [megabyte, 400] as const), 0],
    ["small pieces without end: none", Array.from({ length: 1000 }, () => [10_000, 100] as const), 0],
    ["long bodies without end: one every few seconds", Array.from({ length: 100 }, () => [megabyte, 400] as const), 9],
    ["a probe a second for a minute: none", Array.from({ length: 60 }, () => [200, 1000] as const), 0],
    [
      "many small requests count by their number",
      [...Array.from({ length: 5000 }, () => [100, 0] as const), [100, 3000]],
      1,
    ],
    [
      "each load has its own",
      [
        [8 * megabyte, 3000],
        [8 * megabyte, 3000],
      ],
      2,
    ],
  ];

for (const [name, received, count] of cases) {
  test(`collection: ${name}`, async () => {
    const clock = fakeClock();
    let collections = 0;
    const note = createCollection(clock, () => collections++);
    for (const [bytes, thenMs] of received) {
      note(bytes);
      if (thenMs > 0) await clock.advance(thenMs);
    }
    assert.equal(collections, count);
  });
}
