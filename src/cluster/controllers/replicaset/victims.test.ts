import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../../../apis/core/pod.ts";
import { chooseVictims } from "./victims.ts";

const now = Date.parse("2024-01-02T00:00:00Z");
const ago = (seconds: number) => new Date(now - seconds * 1000).toISOString();

interface Traits {
  readonly node?: string;
  readonly phase?: "Pending" | "Running" | "Unknown";
  readonly readyFor?: number;
  readonly age?: number;
  readonly restarts?: readonly number[];
  readonly cost?: string;
  readonly owner?: string;
}

function makePod(name: string, traits: Traits): Pod {
  const { node = "n", phase = "Running", readyFor, age = 3600, restarts = [0], cost, owner = "set" } = traits;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "ns",
      uid: name,
      creationTimestamp: ago(age),
      ...(cost !== undefined && { annotations: { "controller.kubernetes.io/pod-deletion-cost": cost } }),
      ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: owner, uid: owner, controller: true }],
    },
    spec: { containers: [], ...(node && { nodeName: node }) },
    status: {
      phase,
      conditions: readyFor === undefined ? [] : [{ type: "Ready", status: "True", lastTransitionTime: ago(readyFor) }],
      containerStatuses: restarts.map((restartCount) => ({ name: "c", restartCount })),
    },
  } as unknown as Pod;
}

const ready = { readyFor: 3600 };

for (const [name, first, second] of [
  ["has no node", { node: "", ...ready }, { phase: "Pending" }],
  ["is pending", { phase: "Pending" }, { phase: "Unknown" }],
  ["is of an unknown phase", { phase: "Unknown" }, {}],
  ["is not ready", { cost: "5" }, ready],
  ["costs less", { ...ready, cost: "-1" }, { ...ready, readyFor: 1 }],
  ["costs nothing, as it says no number", { ...ready, cost: "cheap" }, { ...ready, cost: "1", readyFor: 1 }],
  ["became ready later", { readyFor: 10, age: 3600 }, { readyFor: 3600, age: 60 }],
  ["restarted more often, in any container", { ...ready, restarts: [0, 3] }, { ...ready, restarts: [1, 1] }],
  ["is younger", { ...ready, age: 3600 }, { ...ready, age: 7200 * 4 }],
] as const satisfies readonly (readonly [string, Traits, Traits])[]) {
  test(`of two pods the one goes first that ${name}`, () => {
    const [a, b] = [makePod("a", first), makePod("b", second)];
    for (const owned of [
      [a, b],
      [b, a],
    ]) {
      assert.deepEqual(
        chooseVictims(owned, owned, 2, now).map(({ metadata }) => metadata.name),
        ["a", "b"],
      );
    }
  });
}

test("a node that has several of the same controller loses one first, whoever else is there", () => {
  const lonely = makePod("lonely", { ...ready, node: "x", readyFor: 10 });
  const crowd = [makePod("one", { ...ready, node: "y" }), makePod("two", { ...ready, node: "y" })];
  const others = [1, 2, 3].map((n) => makePod(`other-${n}`, { ...ready, node: "x", owner: "other" }));
  const owned = [lonely, ...crowd];
  const victims = chooseVictims(owned, [...owned, ...others], 2, now);
  assert.deepEqual(
    victims.map(({ metadata }) => metadata.name),
    ["one", "two"],
  );
});
