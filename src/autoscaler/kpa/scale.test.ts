import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import type { ConditionStatus } from "../../apis/conditions.ts";
import { parseAutoscalerConfig } from "../../config/autoscaler.ts";
import { planScale, type ScalePlan } from "./scale.ts";

const nowMs = Date.parse("2024-01-01T01:00:00Z");
const config = parseAutoscalerConfig({ "min-scale": "2", "max-scale": "30", "target-burst-capacity": "0" });

interface Row {
  readonly name: string;
  readonly annotations?: Record<string, string>;
  readonly reachability?: "Reachable" | "Unreachable";
  readonly active: ConditionStatus;
  readonly activeForMs?: number;
  readonly initialized?: boolean;
  readonly advised: number;
  readonly want: ScalePlan;
}

const rows: Row[] = [
  {
    name: "nothing known, already active: leave it alone",
    active: "True",
    advised: -1,
    want: { want: -1, rule: "nothing known" },
  },
  {
    name: "nothing known, still activating: the least scale",
    active: "Unknown",
    advised: -1,
    want: { want: 2, apply: 2, rule: "min scale" },
  },
  {
    name: "nothing known, still activating without a least scale: waited for",
    annotations: { "autoscaling.knative.dev/min-scale": "0" },
    active: "Unknown",
    activeForMs: 1000,
    advised: -1,
    want: { want: -1, requeueAfterMs: 630_000, rule: "still activating" },
  },
  {
    name: "an initial scale of one is no reason to keep a pod of a revision that has not started yet",
    annotations: { "autoscaling.knative.dev/min-scale": "0", "autoscaling.knative.dev/initial-scale": "1" },
    active: "Unknown",
    activeForMs: 1000,
    initialized: false,
    advised: 0,
    want: { want: -1, requeueAfterMs: 630_000, rule: "still activating" },
  },
  { name: "advice within the bounds", active: "True", advised: 5, want: { want: 5, apply: 5 } },
  {
    name: "advice above the largest scale",
    active: "True",
    advised: 50,
    want: { want: 30, apply: 30, rule: "max scale" },
  },
  { name: "advice below the least scale", active: "True", advised: 0, want: { want: 2, apply: 2, rule: "min scale" } },
  {
    name: "a new revision begins with its initial scale",
    annotations: { "autoscaling.knative.dev/initial-scale": "4" },
    active: "Unknown",
    initialized: false,
    advised: 1,
    want: { want: 4, apply: 4, rule: "initial scale" },
  },
  {
    name: "a reachable revision keeps a pod without a least scale, since nothing would wake it up",
    annotations: { "autoscaling.knative.dev/min-scale": "0" },
    active: "True",
    advised: 0,
    want: { want: 1, apply: 1, rule: "a route may lead to it" },
  },
  {
    name: "an unreachable revision goes to zero at once; its least scale does not count",
    reachability: "Unreachable",
    active: "True",
    advised: 0,
    want: { want: 0, apply: 0, rule: "no route leads to it" },
  },
  {
    name: "an unreachable revision under load shrinks with its load",
    reachability: "Unreachable",
    active: "True",
    advised: 1,
    want: { want: 1, apply: 1 },
  },
  {
    name: "an unreachable revision that is still activating is waited for",
    reachability: "Unreachable",
    active: "Unknown",
    activeForMs: 1000,
    advised: 0,
    want: { want: -1, requeueAfterMs: 630_000, rule: "still activating" },
  },
  {
    name: "a revision that never became active is given up after the deadline",
    reachability: "Unreachable",
    active: "Unknown",
    activeForMs: 700_000,
    advised: 0,
    want: { want: 0, apply: 0, rule: "activation timed out" },
  },
];

for (const row of rows) {
  test(`scale: ${row.name}`, () => {
    const pa: PodAutoscaler = {
      apiVersion: "autoscaling.internal.knative.dev/v1alpha1",
      kind: "PodAutoscaler",
      metadata: { name: "rev", namespace: "ns", annotations: row.annotations ?? {} },
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "rev-deployment" },
        protocolType: "http1",
        reachability: row.reachability ?? "Reachable",
      },
    };
    const plan = planScale({
      pa,
      active: {
        type: "Active",
        status: row.active,
        lastTransitionTime: new Date(nowMs - (row.activeForMs ?? 0)).toISOString(),
      },
      initialized: row.initialized ?? true,
      advised: row.advised,
      config,
      progressDeadlineMs: 600_000,
      nowMs,
    });
    assert.deepEqual(plan, row.want);
  });
}
