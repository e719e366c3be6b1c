import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../testing/fake-clock.ts";
import type { DeciderMemory } from "./decider-memory.ts";
import type { Explanation } from "./explain/explanation.ts";
import { createMultiScaler, type Sight } from "./multi-scaler.ts";
import { testSpec } from "./spec-world.ts";

const key = "ns/app";
const tickMs = 2000;

/** A scaler that sees what `sightAt` says of a time since the beginning, and what it decided and told. */
function setUp(sightAt: (ms: number) => Sight | undefined, decider?: DeciderMemory) {
  const clock = fakeClock();
  const scaler = createMultiScaler(
    () => sightAt(clock.monotonic()),
    () => 1,
    clock,
    { inheritance: () => decider && { decider } },
  );
  const decisions: Explanation[] = [];
  const told: number[] = [];
  scaler.onDecision((_, decision) => void decisions.push(decision));
  scaler.onAdvice(() => void told.push(clock.monotonic()));
  return { clock, scaler, decisions, told };
}

const seen = (stableValue: number, more: Partial<Sight> = {}): Sight => ({
  readyPods: 10,
  stableValue,
  panicValue: stableValue,
  ...more,
});

interface Row {
  readonly name: string;
  readonly sightAt: (ms: number) => Sight;
  readonly want: number;
  readonly advisedBy: Explanation["advisedBy"];
}

const startMs = fakeClock().now();
const rows: Row[] = [
  {
    name: "load that was seen for a whole window decides alone",
    sightAt: (ms) => seen(ms <= tickMs ? 700 : 350),
    want: 5,
    advisedBy: "stable window",
  },
  {
    name: "less load, of which a part was not seen, is not heeded",
    sightAt: (ms) => seen(ms <= tickMs ? 700 : 350, { knownSinceMs: startMs }),
    want: 10,
    advisedBy: "kept while data is missing",
  },
  {
    name: "more load is heeded, though a part was not seen",
    sightAt: (ms) => seen(ms <= tickMs ? 350 : 700, { knownSinceMs: startMs }),
    want: 10,
    advisedBy: "stable window",
  },
];

for (const { name, sightAt, want, advisedBy } of rows) {
  test(`what advises: ${name}`, async () => {
    const { clock, scaler, decisions } = setUp(sightAt);
    scaler.advise(key, testSpec);
    await clock.advance(2 * tickMs);
    const latest = decisions.at(-1);
    assert.deepEqual([latest?.want, latest?.advisedBy], [want, advisedBy]);
    scaler.close();
    assert.equal(clock.pendingTimers(), 0);
  });
}

test("that spare capacity falls below zero, or no longer is, is told at once; other changes of it are not", async () => {
  const spare = [10, 0, -1, -5, 0, 10];
  const { clock, scaler, told } = setUp((ms) => {
    const panicValue = 1000 - 100 - spare[Math.min(ms / tickMs, spare.length) - 1]!;
    return seen(70, { panicValue });
  });
  scaler.advise(key, { ...testSpec, targetBurstCapacity: 100, panicThreshold: 1000 });
  await clock.advance(spare.length * tickMs);
  // The first advice is news by itself.
  assert.deepEqual(
    told.map((ms) => ms / tickMs),
    [1, 3, 5],
  );
  scaler.close();
});

const state = { panicSinceMs: undefined, maxPanicPods: 3, delay: undefined };
const origins: [name: string, wanted: number | undefined, decider: DeciderMemory | undefined, isPartial: boolean][] = [
  ["of a new revision", undefined, undefined, false],
  ["who was told all by its predecessor", 3, { state, desiredScale: 3 }, false],
  ["who knows no more than the scale that was set", 3, undefined, true],
  ["whose predecessor knew no more than that", 3, { state, desiredScale: 3, isPartial: true }, true],
];
for (const [name, wanted, decider, isPartial] of origins) {
  test(`a decider ${name} says ${isPartial ? "for a window that it lacks" : "that it knows"} what was before`, async () => {
    const { clock, scaler } = setUp(() => undefined, decider);
    scaler.advise(key, testSpec, { wanted, bounds: { min: 0, max: 0 }, plan: (want) => ({ want }) });
    await clock.advance(testSpec.stableWindowMs - 1);
    assert.equal(scaler.memory(key)?.isPartial, isPartial || undefined);
    await clock.advance(1);
    assert.equal(scaler.memory(key)?.isPartial, undefined);
    scaler.close();
  });
}
