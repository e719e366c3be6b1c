import assert from "node:assert/strict";
import { test } from "node:test";
import type { Item } from "../resource.ts";
import { podColumns } from "./pods.ts";

const nowMs = Date.parse("2024-01-01T01:00:00Z");
const running = { running: {} };
const up = { ready: true, restartCount: 0, state: running };
const completed = { ready: false, restartCount: 0, state: { terminated: { exitCode: 0, reason: "Completed" } } };
const ended = (terminated: object) => ({ ready: false, restartCount: 0, state: { terminated } });
const waiting = (reason: string) => ({ ready: false, restartCount: 0, state: { waiting: { reason } } });
const restarted = (restartCount: number, finishedAt: string) => ({
  ...up,
  restartCount,
  lastState: { terminated: { exitCode: 1, finishedAt } },
});
const ready = (status: string) => [{ type: "Ready", status }];

interface Given {
  readonly phase?: string;
  readonly containers?: readonly object[];
  readonly inits?: readonly object[];
  /** Which init containers are sidecars. */
  readonly sidecars?: boolean;
  readonly conditions?: readonly object[];
  readonly isLeaving?: boolean;
}

function podOf({
  phase = "Running",
  containers = [],
  inits = [],
  sidecars = false,
  conditions,
  isLeaving,
}: Given): Item {
  const named = (prefix: string, list: readonly object[]) =>
    list.map((container, index) => ({ name: `${prefix}${index}`, ...container }));
  const spec = (prefix: string, list: readonly object[], more: object) =>
    list.map((_, index) => ({ name: `${prefix}${index}`, image: "i", ...more }));
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", ...(isLeaving && { deletionTimestamp: "2024-01-01T00:00:00Z" }) },
    spec: {
      containers: spec("c", containers, {}),
      initContainers: spec("i", inits, sidecars ? { restartPolicy: "Always" } : {}),
    },
    status: {
      phase,
      containerStatuses: named("c", containers),
      initContainerStatuses: named("i", inits),
      ...(conditions && { conditions }),
    },
  };
}

/** Ready, Status and Restarts, as kube-apiserver v1.34 prints them. */
const rows: [name: string, pod: Given, cells: [string, string, string]][] = [
  ["that runs", { containers: [up], conditions: ready("True") }, ["1/1", "Running", "0"]],
  [
    "that was restarted, the last time ten minutes ago",
    { containers: [restarted(1, "2024-01-01T00:50:00Z"), restarted(2, "2024-01-01T00:20:00Z")] },
    ["2/2", "Running", "3 (10m ago)"],
  ],
  [
    "of which a part has ended well",
    { containers: [completed, up], conditions: ready("True") },
    ["1/2", "Running", "0"],
  ],
  [
    "of which a part has ended well, and that is not ready",
    { containers: [completed, up], conditions: ready("False") },
    ["1/2", "NotReady", "0"],
  ],
  [
    "of which a part has ended well, and the other is not ready",
    { containers: [completed, { ...up, ready: false }], conditions: ready("False") },
    ["0/2", "Completed", "0"],
  ],
  ["that starts over and over", { containers: [waiting("CrashLoopBackOff"), up] }, ["1/2", "CrashLoopBackOff", "0"]],
  [
    "that ended with a reason",
    { phase: "Failed", containers: [ended({ exitCode: 1, reason: "Error" })] },
    ["0/1", "Error", "0"],
  ],
  ["that ended with a code", { phase: "Failed", containers: [ended({ exitCode: 2 })] }, ["0/1", "ExitCode:2", "0"]],
  ["that was killed", { phase: "Failed", containers: [ended({ exitCode: 137, signal: 9 })] }, ["0/1", "Signal:9", "0"]],
  [
    "that begins",
    { phase: "Pending", inits: [completed, waiting("PodInitializing")], containers: [waiting("PodInitializing")] },
    ["0/1", "Init:1/2", "0"],
  ],
  [
    "that cannot begin",
    {
      phase: "Pending",
      inits: [{ ...waiting("CrashLoopBackOff"), restartCount: 4 }],
      containers: [waiting("PodInitializing")],
    },
    ["0/1", "Init:CrashLoopBackOff", "4"],
  ],
  [
    "whose beginning failed",
    { phase: "Failed", inits: [ended({ exitCode: 3 })], containers: [waiting("PodInitializing")] },
    ["0/1", "Init:ExitCode:3", "0"],
  ],
  [
    "with a sidecar",
    { inits: [{ ...restarted(1, "2024-01-01T00:59:00Z"), started: true }], sidecars: true, containers: [up] },
    ["2/2", "Running", "1 (60s ago)"],
  ],
  [
    "whose sidecar has not started",
    {
      phase: "Pending",
      inits: [{ ...up, ready: false, started: false }],
      sidecars: true,
      containers: [waiting("PodInitializing")],
    },
    ["0/2", "Init:0/1", "0"],
  ],
  [
    "that waits for its gates",
    { phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }] },
    ["0/0", "SchedulingGated", "0"],
  ],
  ["on its way out", { containers: [up], isLeaving: true }, ["1/1", "Terminating", "0"]],
  [
    "on its way out that has ended well",
    { phase: "Succeeded", containers: [completed], isLeaving: true },
    ["0/1", "Completed", "0"],
  ],
];
for (const [name, given, cells] of rows) {
  test(`the row of a pod ${name}`, () => {
    const pod = podOf(given);
    const shown = ["Ready", "Status", "Restarts"].map((column) =>
      podColumns.find((each) => each.name === column)!.cell(pod, nowMs),
    );
    assert.deepEqual(shown, cells);
  });
}
