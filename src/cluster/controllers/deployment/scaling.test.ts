import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Deployment } from "../../../apis/core/deployment.ts";
import { type Bounds, boundsOf } from "./bounds.ts";
import { decideProportionalSizes, decideRollingStep, isScalingEvent, type SetSize, sizeOfNewSet } from "./scaling.ts";

const set = (name: string, replicas: number, available = replicas, more: Partial<SetSize> = {}): SetSize => ({
  name,
  replicas,
  available,
  createdAtMs: 0,
  ...more,
});
const bounds = (replicas: number, maxSurge: number, maxUnavailable: number): Bounds => ({
  replicas,
  maxSurge,
  maxUnavailable,
});

describe("the bounds of a rollout", () => {
  const deployment = (replicas: number, maxSurge: number | string, maxUnavailable: number | string): Deployment => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d" },
    spec: {
      replicas,
      selector: {},
      template: {},
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } },
    },
  });
  const rows: [name: string, input: [number, number | string, number | string], want: [number, number]][] = [
    ["surge rounds up, unavailability down", [10, "25%", "25%"], [3, 2]],
    ["small Deployments never lose their only pod", [1, "25%", "25%"], [1, 0]],
    ["one of both is at least one", [1, "0%", "25%"], [0, 1]],
    ["numbers stay numbers", [10, 3, 4], [3, 4]],
    ["no more than all can be missing", [2, 0, 10], [0, 2]],
  ];
  for (const [name, input, [maxSurge, maxUnavailable]] of rows) {
    it(name, () => assert.deepEqual(boundsOf(deployment(...input)), bounds(input[0], maxSurge, maxUnavailable)));
  }
});

describe("a step of a rolling update", () => {
  const rows: [name: string, Bounds, newSet: SetSize, oldSets: SetSize[], want: Record<string, number>][] = [
    ["the new set grows as far as the surge allows", bounds(10, 3, 2), set("new", 0), [set("old", 10)], { new: 3 }],
    ["old pods go while enough stay available", bounds(10, 3, 2), set("new", 3, 0), [set("old", 10)], { old: 8 }],
    ["then the new set grows again", bounds(10, 3, 2), set("new", 3, 0), [set("old", 8)], { new: 5 }],
    ["nothing moves while new pods do not come up", bounds(10, 3, 2), set("new", 5, 0), [set("old", 8)], {}],
    ["unhealthy old pods go first", bounds(10, 3, 2), set("new", 3, 0), [set("a", 5, 2), set("b", 5, 5)], { a: 3 }],
    [
      "a rollback removes the pods that never came up",
      bounds(10, 3, 2),
      set("good", 8, 7),
      [set("bad", 5, 0)],
      { bad: 1 },
    ],
    ["a finished rollout stays as it is", bounds(2, 1, 0), set("new", 2), [set("old", 0)], {}],
    ["a new set that is too large shrinks", bounds(2, 1, 0), set("new", 5), [], { new: 2 }],
    ["zero replicas end all old pods", bounds(0, 0, 0), set("new", 0), [set("old", 3)], { old: 0 }],
    [
      "the oldest set goes first",
      bounds(2, 1, 0),
      set("new", 1, 1),
      [set("young", 1, 1, { createdAtMs: 2 }), set("old", 1, 1, { createdAtMs: 1 })],
      { old: 0 },
    ],
  ];
  for (const [name, limits, newSet, oldSets, want] of rows) {
    it(name, () => assert.deepEqual(decideRollingStep(limits, newSet, oldSets), want));
  }

  it("always ends with all pods new, never with too many or too few available", () => {
    const sizes = fc.record({
      replicas: fc.integer({ min: 0, max: 20 }),
      surge: fc.integer({ min: 0, max: 10 }),
      unavailable: fc.integer({ min: 0, max: 10 }),
      old: fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(sizes, ({ replicas, surge, unavailable, old }) => {
        const limits = bounds(
          replicas,
          surge,
          surge === 0 && unavailable === 0 ? 1 : Math.min(unavailable, replicas || 1),
        );
        const start = Math.max(
          replicas + limits.maxSurge,
          old.reduce((a, b) => a + b, 0),
        );
        const floor = Math.min(
          replicas - limits.maxUnavailable,
          old.reduce((a, b) => a + b, 0),
        );
        let sets = [
          set("new", 0),
          ...old.map((count, index) => set(`old${index}`, count, count, { createdAtMs: index })),
        ];
        for (let step = 0; step < 100; step++) {
          const [newSet, ...oldSets] = sets as [SetSize, ...SetSize[]];
          const change = decideRollingStep(limits, newSet, oldSets);
          if (Object.keys(change).length === 0) break;
          // Shrinking takes effect at once, new pods are available by the next step.
          sets = sets.map((each) => {
            const size = change[each.name] ?? each.replicas;
            return { ...each, replicas: size, available: size };
          });
          const total = sets.reduce((sum, each) => sum + each.replicas, 0);
          assert.ok(total <= start, `${total} pods`);
          assert.ok(total >= floor, `${total} available`);
        }
        assert.deepEqual(
          sets.map(({ replicas: count }) => count),
          [replicas, ...old.map(() => 0)],
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe("the size of a new ReplicaSet", () => {
  const rows: [name: string, current: number, total: number, recreate: boolean, want: number][] = [
    ["fills the surge", 0, 4, false, 2],
    ["never exceeds replicas", 3, 3, false, 4],
    ["stays where there is no room", 1, 6, false, 1],
    ["is all of it with Recreate", 0, 9, true, 4],
  ];
  for (const [name, current, total, recreate, want] of rows) {
    it(name, () => assert.equal(sizeOfNewSet(bounds(4, 2, 0), current, total, recreate), want));
  }
});

describe("proportional scaling", () => {
  const options = { recreate: false, statusReplicas: 0 };
  const then = (desiredThen: number, maxThen: number) => ({ desiredThen, maxThen });
  it("is due when the Deployment's size has changed since the sets were scaled", () => {
    assert.equal(isScalingEvent(5, [set("a", 3, 3, then(3, 4))]), true);
    assert.equal(isScalingEvent(3, [set("a", 3, 3, then(3, 4)), set("b", 0, 0, then(9, 9))]), false);
    assert.equal(isScalingEvent(3, [set("a", 3)]), false);
  });
  it("gives a single set all of it", () => {
    assert.deepEqual(decideProportionalSizes(bounds(5, 1, 0), set("a", 3), [set("b", 0)], options), { a: 5 });
  });
  it("shares a change among the sets of a rollout by their sizes", () => {
    const sets = [set("new", 5, 5, then(10, 13)), [set("old", 8, 8, then(10, 13))]] as const;
    assert.deepEqual(decideProportionalSizes(bounds(20, 3, 2), sets[0], sets[1], options), { new: 9, old: 14 });
  });
  it("gives what rounding leaves over to the largest set", () => {
    const old = [set("a", 1, 1, then(3, 3)), set("b", 1, 1, then(3, 3)), set("c", 1, 1, then(3, 3))];
    const sizes = decideProportionalSizes(bounds(5, 0, 1), undefined, old, options);
    assert.equal(Object.values(sizes).reduce((sum, size) => sum + size, 0) + (3 - Object.keys(sizes).length), 5);
  });
  it("ends old sets once the new one has everything", () => {
    const newSet = set("new", 3, 3, then(3, 4));
    assert.deepEqual(decideProportionalSizes(bounds(3, 1, 0), newSet, [set("old", 2)], options), { old: 0 });
  });
});
