import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type DeciderSpec,
  type DeciderState,
  decide,
  initialDeciderState,
  mergeDeciderStates,
  type Observation,
} from "./decide.ts";
import { testSpec } from "./spec-world.ts";

const spec: DeciderSpec = { ...testSpec, maxScaleUpRate: 10, targetValue: 10, totalValue: 20 };

/** What is seen at a second, and what is decided: pods, mode, rule. */
type Step = readonly [second: number, stable: number, panic: number, ready: number, decided: string];

interface Row {
  readonly name: string;
  readonly spec?: Partial<DeciderSpec>;
  /** Pods that are ready when the decider begins; more than one begin in panic. */
  readonly readyAtFirst?: number;
  readonly steps: readonly Step[];
}

const rows: Row[] = [
  {
    name: "the load divided by the target, rounded up",
    steps: [
      [0, 0, 0, 1, "0 stable: stable window"],
      [2, 10, 10, 1, "1 stable: stable window"],
      [4, 10.1, 10.1, 2, "2 stable: stable window"],
    ],
  },
  {
    name: "panic begins at twice the ready pods, takes none away, and ends a window after it was last confirmed",
    steps: [
      [0, 15, 40, 2, "4 panic: panic window"],
      [2, 15, 15, 4, "4 panic: panic: never fewer pods"],
      [60, 15, 15, 4, "4 panic: panic: never fewer pods"],
      [61, 15, 15, 4, "2 stable: stable window"],
    ],
  },
  {
    name: "while panic is confirmed it goes on",
    steps: [
      [0, 15, 40, 2, "4 panic: panic window"],
      [50, 15, 80, 4, "8 panic: panic window"],
      [100, 15, 15, 8, "8 panic: panic: never fewer pods"],
      [111, 15, 15, 4, "2 stable: stable window"],
    ],
  },
  {
    name: "a restart with several pods begins in panic and keeps them for a window",
    readyAtFirst: 5,
    steps: [
      [2, 1, 1, 5, "5 panic: panic: never fewer pods"],
      [62, 1, 1, 5, "2 stable: max scale down rate"],
    ],
  },
  { name: "rates: up", steps: [[0, 1000, 0, 3, "30 stable: max scale up rate"]] },
  { name: "rates: down", steps: [[0, 1, 1, 9, "4 stable: max scale down rate"]] },
  {
    name: "an unreachable revision shrinks at once",
    spec: { reachable: false },
    steps: [[0, 1, 1, 9, "1 stable: stable window"]],
  },
  {
    name: "activation scale: the least above zero",
    spec: { activationScale: 4 },
    steps: [
      [0, 5, 5, 1, "4 stable: activation scale"],
      [2, 0, 0, 1, "0 stable: stable window"],
    ],
  },
  {
    name: "scale-down delay: what was wanted within it stays",
    spec: { scaleDownDelayMs: 10_000 },
    steps: [
      [0, 30, 30, 3, "3 stable: stable window"],
      [2, 10, 10, 3, "3 stable: scale down delay"],
      [8, 10, 10, 3, "3 stable: scale down delay"],
      [10, 10, 10, 3, "1 stable: stable window"],
    ],
  },
];

for (const { name, spec: changed = {}, readyAtFirst = 1, steps } of rows) {
  test(`decide: ${name}`, () => {
    const given = { ...spec, ...changed };
    const startMs = Date.parse("2024-01-01T00:00:00Z");
    let state = initialDeciderState(given, readyAtFirst, startMs);
    for (const [second, stableValue, panicValue, readyPods, want] of steps) {
      const outcome = decide(given, state, { readyPods, stableValue, panicValue }, startMs + second * 1000);
      state = outcome.state;
      const { desiredPods, mode, rule } = outcome.decision;
      assert.equal(`${desiredPods} ${mode}: ${rule}`, want, `second ${second}`);
    }
  });
}

const capacities: [name: string, capacity: number, seen: Observation, want: number][] = [
  ["none is wanted", 0, { readyPods: 3, stableValue: 9, panicValue: 9 }, 0],
  ["unlimited", -1, { readyPods: 3, stableValue: 9, panicValue: 9 }, -1],
  ["enough", 30, { readyPods: 3, stableValue: 9, panicValue: 9 }, 21],
  ["too little, rounded down", 100, { readyPods: 1, stableValue: 0, panicValue: 0.5 }, -81],
];
for (const [name, targetBurstCapacity, seen, want] of capacities) {
  test(`spare capacity: ${name}`, () => {
    const given = { ...spec, targetBurstCapacity };
    assert.equal(decide(given, initialDeciderState(given, 1, 0), seen, 0).decision.excessBurstCapacity, want);
  });
}

const delayOf = (value: number) => ({ windowMs: 60_000, granularityMs: 2000, candidates: [{ index: 1, value }] });
const stateOf = (panicSinceMs: number | undefined, maxPanicPods: number, delay?: DeciderState["delay"]) => ({
  panicSinceMs,
  maxPanicPods,
  delay,
});
const merges: [name: string, ours: DeciderState, theirs: DeciderState, want: DeciderState][] = [
  ["two that are calm", stateOf(undefined, 1), stateOf(undefined, 0), stateOf(undefined, 1)],
  ["one in panic", stateOf(undefined, 0), stateOf(4000, 3), stateOf(4000, 3)],
  ["the later panic lasts longer", stateOf(4000, 3), stateOf(2000, 5), stateOf(4000, 5)],
  ["only we delay", stateOf(undefined, 0, delayOf(3)), stateOf(undefined, 0), stateOf(undefined, 0, delayOf(3))],
  ["only they delay", stateOf(undefined, 0), stateOf(undefined, 0, delayOf(4)), stateOf(undefined, 0, delayOf(4))],
  [
    "both delay",
    stateOf(undefined, 0, delayOf(3)),
    stateOf(undefined, 0, delayOf(4)),
    stateOf(undefined, 0, delayOf(4)),
  ],
];
for (const [name, ours, theirs, want] of merges) {
  test(`what two deciders remember, taken together: ${name}`, () => {
    assert.deepEqual(mergeDeciderStates(ours, theirs), want);
  });
}
