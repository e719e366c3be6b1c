import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeciderMemory } from "../decider-memory.ts";
import type { MetricCollector } from "../metric/collector.ts";
import type { MultiScaler } from "../multi-scaler.ts";
import { createLoadHistory } from "../windows/load-history.ts";
import { createStandby, type KeyMemory } from "./memory.ts";
import { createSuccession } from "./succession.ts";

const key = "ns/app";
const windowMs = 60_000;

const deciderOf = (desiredScale: number, maxPanicPods: number, isPartial = false): DeciderMemory => ({
  state: { panicSinceMs: 1000, maxPanicPods, delay: undefined },
  desiredScale,
  ...(isPartial && { isPartial: true }),
});
const told: KeyMemory = { windowMs, records: [[0, 10, 20]], decider: deciderOf(5, 5) };

interface Row {
  readonly name: string;
  readonly owns: boolean;
  readonly collects: boolean;
  readonly ageMs: number;
  /** Who takes in what is told. */
  readonly takenBy: readonly ("standby" | "collector" | "decider")[];
}

const rows: Row[] = [
  { name: "somebody else's", owns: false, collects: false, ageMs: 0, takenBy: ["standby", "collector", "decider"] },
  {
    name: "ours, decided for and not collected for yet",
    owns: true,
    collects: false,
    ageMs: 0,
    takenBy: ["standby", "collector", "decider"],
  },
  { name: "ours lately", owns: true, collects: true, ageMs: 5000, takenBy: ["collector", "decider"] },
  { name: "ours for long", owns: true, collects: true, ageMs: windowMs, takenBy: [] },
  {
    name: "just lost, and not let go of yet: it may be ours again",
    owns: false,
    collects: true,
    ageMs: windowMs,
    takenBy: ["standby", "collector", "decider"],
  },
];

for (const { name, owns, collects, ageMs, takenBy } of rows) {
  test(`what is told of a key is taken in: ${name}`, () => {
    const taken: string[] = [];
    const standby = createStandby();
    const collector = {
      history: () => (collects ? createLoadHistory(windowMs) : undefined),
      ageMs: () => ageMs,
      inherit: () => void taken.push("collector"),
    } as unknown as MetricCollector;
    const multiScaler = { inherit: () => void taken.push("decider") } as unknown as MultiScaler;
    createSuccession(collector, multiScaler, standby, () => owns).learn(key, told);
    assert.deepEqual([...(standby.recall(key) ? ["standby"] : []), ...taken], takenBy);
  });
}

const deciders: readonly (readonly [name: string, second: DeciderMemory, kept: DeciderMemory])[] = [
  ["one that knows replaces what was known", deciderOf(3, 2), deciderOf(3, 2)],
  ["one that was told nothing itself does not make us forget", deciderOf(4, 2, true), deciderOf(5, 5)],
];

for (const [name, second, kept] of deciders) {
  test(`deciders told one after the other: ${name}`, () => {
    const standby = createStandby();
    standby.learn(key, told);
    standby.learn(key, { windowMs, records: [], decider: second });
    assert.deepEqual(standby.recall(key)?.decider, kept);
  });
}
