import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod } from "../../../apis/core/pod.ts";
import type { PodDisruptionBudget } from "../../../apis/core/poddisruptionbudget.ts";
import { budgetStatus } from "./status.ts";

const now = Date.parse("2024-01-01T00:10:00Z");
const pods = (ready: number, unready = 0): Pod[] =>
  Array.from({ length: ready + unready }, (_, index) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `p${index}` },
    spec: { containers: [] },
    status: { phase: "Running", conditions: [{ type: "Ready", status: index < ready ? "True" : "False" }] },
  }));
const budget = (spec: PodDisruptionBudget["spec"], disruptedPods?: Record<string, string>): PodDisruptionBudget => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "b", generation: 2 },
  spec,
  ...(disruptedPods && {
    status: { disruptedPods, disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
  }),
});

describe("a disruption budget", () => {
  type Row = [
    name: string,
    spec: PodDisruptionBudget["spec"],
    pods: Pod[],
    scale: number,
    allowed: number,
    desired: number,
  ];
  const rows: Row[] = [
    ["keeps a number of pods", { minAvailable: 2 }, pods(3), 3, 1, 2],
    ["keeps a share of the pods there should be, rounded up", { minAvailable: "50%" }, pods(3), 3, 1, 2],
    ["lets a number of pods go", { maxUnavailable: 1 }, pods(3), 3, 1, 2],
    ["counts pods that should be there and are not", { maxUnavailable: 1 }, pods(2), 3, 0, 2],
    ["counts pods that are not ready as missing", { minAvailable: 2 }, pods(2, 1), 3, 0, 2],
    ["lets nothing go where nothing is expected", { maxUnavailable: "100%" }, [], 0, 0, 0],
    ["rounds a share of missing pods up", { maxUnavailable: "30%" }, pods(5), 5, 2, 3],
  ];
  for (const [name, spec, covered, scale, allowed, desired] of rows) {
    it(name, () => {
      const { status } = budgetStatus(budget(spec), covered, scale, now);
      assert.deepEqual([status.disruptionsAllowed, status.desiredHealthy], [allowed, desired]);
      assert.equal(status.conditions?.[0]?.reason, allowed > 0 ? "SufficientPods" : "InsufficientPods");
    });
  }
  it("counts pods whose eviction was granted as gone, for two minutes", () => {
    const granted = { p0: "2024-01-01T00:09:00Z", p1: "2024-01-01T00:07:00Z", other: "2024-01-01T00:09:00Z" };
    const { status, recheckMs } = budgetStatus(budget({ minAvailable: 1 }, granted), pods(3), 3, now);
    assert.deepEqual(status.disruptedPods, { p0: "2024-01-01T00:09:00Z" });
    assert.deepEqual([status.currentHealthy, status.disruptionsAllowed, recheckMs], [2, 1, 60_000]);
  });
});
