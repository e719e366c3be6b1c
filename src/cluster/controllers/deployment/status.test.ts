import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment, WorkloadCondition } from "../../../apis/core/deployment.ts";
import { progressLeftMs } from "./status.ts";

const nowMs = Date.parse("2024-01-01T01:00:00Z");
const available: WorkloadCondition = {
  type: "Available",
  status: "True",
  lastUpdateTime: "2024-01-01T00:59:59Z",
  lastTransitionTime: "2024-01-01T00:59:59Z",
};
const progressing = (reason: string | undefined, lastUpdateTime?: string): WorkloadCondition[] => [
  available,
  {
    type: "Progressing",
    status: "True",
    ...(reason && { reason }),
    ...(lastUpdateTime && { lastUpdateTime }),
    lastTransitionTime: "2024-01-01T00:00:00Z",
  },
];

const rows: [
  name: string,
  deadlineSeconds: number | undefined,
  conditions: WorkloadCondition[],
  want: number | undefined,
][] = [
  ["under way", 600, progressing("ReplicaSetUpdated", "2024-01-01T00:55:00Z"), 300_000],
  ["under way, for no reason that is told", 600, progressing(undefined, "2024-01-01T00:55:00Z"), 300_000],
  ["overdue", 600, progressing("NewReplicaSetCreated", "2024-01-01T00:49:59Z"), -1000],
  ["done", 600, progressing("NewReplicaSetAvailable", "2024-01-01T00:55:00Z"), undefined],
  ["failed already", 600, progressing("ProgressDeadlineExceeded", "2024-01-01T00:55:00Z"), undefined],
  ["paused", 600, progressing("DeploymentPaused", "2024-01-01T00:55:00Z"), undefined],
  ["not begun", 600, [available], undefined],
  ["since when nobody knows", 600, progressing("ReplicaSetUpdated"), undefined],
  ["without a deadline", undefined, progressing("ReplicaSetUpdated", "2024-01-01T00:55:00Z"), undefined],
];
for (const [name, progressDeadlineSeconds, conditions, want] of rows) {
  test(`how long a rollout may go on without progress: ${name}`, () => {
    const deployment: Deployment = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web" },
      spec: { selector: {}, template: {}, ...(progressDeadlineSeconds !== undefined && { progressDeadlineSeconds }) },
    };
    assert.equal(progressLeftMs(deployment, conditions, nowMs), want);
  });
}
