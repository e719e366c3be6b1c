import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import type { Event } from "../../apis/core/event.ts";
import type { Pod } from "../../apis/core/pod.ts";
import type { Revision } from "../../apis/serving/revision.ts";
import { conditions } from "../../testing/serving-objects.ts";
import {
  autoscaler,
  bare,
  deployment,
  image,
  pinnedRevision,
  progressing,
  readyRevision,
  run,
  scaled,
  scaling,
  tag,
  testPasses,
  up,
} from "./revision-world.ts";

const down = deployment({ replicas: 1, updatedReplicas: 1, conditions: [progressing] });
const timedOut = deployment({
  replicas: 1,
  updatedReplicas: 1,
  conditions: [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "too slow" }],
});

function pod(status: NonNullable<Pod["status"]>): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "p",
      namespace: "ns",
      uid: "uid-pod",
      labels: { "serving.knative.dev/revisionUID": bare.metadata.uid! },
    },
    spec: { containers: [] },
    status,
  };
}
const container = (name: string, state: object) =>
  pod({ containerStatuses: [{ name, ready: false, restartCount: 0, image: "", imageID: "", ...state }] });
const warning = (reason: string, message: string): Event => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name: "e", namespace: "ns" },
  involvedObject: { kind: "Pod", name: "p", namespace: "ns", uid: "uid-pod" },
  type: "Warning",
  reason,
  message,
});

testPasses([
  {
    name: "a tag that cannot be resolved is told with the failing hop",
    objects: [bare],
    options: { digests: { is: "failed", image: tag, error: new Error("HEAD https://ghcr.io/v2/: down") } },
    writes: ["updateStatus revisions"],
    conditions: [
      `ContainerHealthy=False ContainerMissing: Unable to fetch image "${tag}": failed to resolve image to digest: HEAD https://ghcr.io/v2/: down`,
      `Ready=False ContainerMissing: Unable to fetch image "${tag}": failed to resolve image to digest: HEAD https://ghcr.io/v2/: down`,
      "ResourcesAvailable=Unknown ResolvingDigests",
    ],
    events: [
      `Warning InternalError Unable to fetch image "${tag}": failed to resolve image to digest: HEAD https://ghcr.io/v2/: down`,
    ],
  },
  {
    name: "a revision whose pods the autoscaler has seen ready is ready",
    objects: [pinnedRevision(), up, scaled, image],
    writes: ["updateStatus revisions"],
    conditions: ["Active=True", "ContainerHealthy=True", "Ready=True", "ResourcesAvailable=True"],
    events: ["Normal RevisionReady Revision becomes ready upon all resources being ready"],
  },
  {
    name: "a revision that was scaled to zero stays ready",
    objects: [
      readyRevision,
      up,
      autoscaler({ Ready: ["False", "NoTraffic", "idle"], ScaleTargetInitialized: "True" }),
      image,
    ],
    writes: ["updateStatus revisions"],
    conditions: ["Active=False NoTraffic: idle", "ContainerHealthy=True", "Ready=True", "ResourcesAvailable=True"],
  },
  {
    name: "a revision that was scaled to zero before it ever ran has failed",
    objects: [
      pinnedRevision(),
      up,
      autoscaler({ Ready: ["False", "NoTraffic", "idle"], ScaleTargetInitialized: "Unknown" }),
      image,
    ],
    writes: ["updateStatus revisions"],
    conditions: [
      "Active=False NoTraffic: idle",
      "ContainerHealthy=Unknown",
      "Ready=False ProgressDeadlineExceeded: Initial scale was never achieved",
      "ResourcesAvailable=False ProgressDeadlineExceeded: Initial scale was never achieved",
    ],
  },
  {
    name: "a Deployment that gave up is told",
    objects: [pinnedRevision(), timedOut, scaling, image],
    writes: ["update podautoscalers", "updateStatus revisions"],
    conditions: [
      "Active=Unknown Queued: wait",
      "ContainerHealthy=Unknown",
      "Ready=False ProgressDeadlineExceeded: too slow",
      "ResourcesAvailable=False ProgressDeadlineExceeded: too slow",
    ],
  },
  {
    name: "a Deployment that may not make pods is told with the reason",
    objects: [
      pinnedRevision(),
      deployment({
        conditions: [
          progressing,
          { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "exceeded quota" },
        ],
      }),
      scaling,
      image,
    ],
    writes: ["update podautoscalers", "updateStatus revisions"],
    conditions: [
      "Active=Unknown Queued: wait",
      "ContainerHealthy=Unknown",
      "Ready=False FailedCreate: exceeded quota",
      "ResourcesAvailable=False FailedCreate: exceeded quota",
    ],
  },
  {
    name: "a revision that serves stays reachable, whatever fails meanwhile",
    objects: [
      readyRevision,
      deployment({
        replicas: 1,
        updatedReplicas: 1,
        readyReplicas: 1,
        availableReplicas: 1,
        conditions: [
          progressing,
          { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "exceeded quota" },
        ],
      }),
      { ...scaled, spec: { ...scaled.spec, reachability: "Reachable" } } as PodAutoscaler,
      image,
    ],
    writes: ["updateStatus revisions"],
    conditions: [
      "Active=True",
      "ContainerHealthy=True",
      "Ready=False FailedCreate: exceeded quota",
      "ResourcesAvailable=False FailedCreate: exceeded quota",
    ],
  },
  {
    name: "a pod that finds no node is told at once",
    objects: [
      pinnedRevision(),
      down,
      scaling,
      image,
      pod({ conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/1 nodes" }] }),
    ],
    writes: ["update podautoscalers", "updateStatus revisions"],
    conditions: [
      "Active=Unknown Queued: wait",
      "ContainerHealthy=Unknown",
      "Ready=False Unschedulable: 0/1 nodes",
      "ResourcesAvailable=False Unschedulable: 0/1 nodes",
    ],
  },
  {
    name: "a program that exits is told with its exit code and last words",
    objects: [
      pinnedRevision(),
      down,
      scaling,
      image,
      container("user-container", { lastState: { terminated: { exitCode: 7, message: "no config" } } }),
    ],
    writes: ["update podautoscalers", "updateStatus revisions"],
    conditions: [
      "Active=Unknown Queued: wait",
      "ContainerHealthy=False ExitCode7: Container failed with: no config",
      "Ready=False ExitCode7: Container failed with: no config",
      "ResourcesAvailable=True",
    ],
  },
  {
    name: "an image that cannot be pulled is told before the deadline",
    objects: [
      pinnedRevision(),
      down,
      scaling,
      image,
      container("user-container", { state: { waiting: { reason: "ImagePullBackOff", message: "not found" } } }),
    ],
    writes: ["update podautoscalers", "updateStatus revisions"],
    conditions: [
      "Active=Unknown Queued: wait",
      "ContainerHealthy=Unknown",
      "Ready=False ImagePullBackOff: not found",
      "ResourcesAvailable=False ImagePullBackOff: not found",
    ],
  },
  {
    name: "a missing secret is told as what may still come",
    objects: [
      pinnedRevision(),
      down,
      scaling,
      image,
      container("user-container", { state: { waiting: { reason: "ContainerCreating" } } }),
      warning("FailedMount", 'secret "creds" not found'),
    ],
    writes: ["updateStatus revisions"],
    conditions: [
      "Active=Unknown Queued: wait",
      "ContainerHealthy=Unknown",
      'Ready=Unknown FailedMount: secret "creds" not found',
      'ResourcesAvailable=Unknown FailedMount: secret "creds" not found',
    ],
  },
  {
    name: "trouble is forgotten once a pod works",
    objects: [
      pinnedRevision(
        conditions({
          Ready: ["False", "ExitCode1", "it crashed"],
          ResourcesAvailable: "True",
          ContainerHealthy: ["False", "ExitCode1", "it crashed"],
        }),
      ),
      up,
      scaled,
      image,
    ],
    writes: ["updateStatus revisions"],
    conditions: ["Active=True", "ContainerHealthy=True", "Ready=True", "ResourcesAvailable=True"],
    events: ["Normal RevisionReady Revision becomes ready upon all resources being ready"],
  },
]);

const counted = (desiredScale: number, actualScale: number): PodAutoscaler => ({
  ...scaled,
  status: { ...scaled.status, desiredScale, actualScale } as NonNullable<PodAutoscaler["status"]>,
});
const settled = (await run([pinnedRevision(), up, counted(2, 2), image])).statusUpdates[0] as Revision;
const passing = { state: { waiting: { reason: "ErrImagePull", message: "not reached" } } };
for (const [name, objects, waitMs] of [
  ["that its pods are under way", [pinnedRevision(), down, scaling, image], 3000],
  [
    "what may be over in a moment",
    [pinnedRevision(), down, scaling, image, container("user-container", passing)],
    1000,
  ],
  ["that it is ready", [pinnedRevision(), up, scaled, image], undefined],
  ["how many pods it has", [settled, up, counted(1, 2), image], 3000],
  [
    "that it scales to zero",
    [
      settled,
      up,
      {
        ...counted(0, 2),
        status: { ...counted(0, 2).status, ...conditions({ Ready: ["False", "NoTraffic", "none"] }) },
      } as PodAutoscaler,
      image,
    ],
    undefined,
  ],
] as const) {
  test(`how long a Revision may wait to say ${name}`, async () => {
    const { outcome } = await run(objects);
    assert.equal(outcome?.statusMayWaitMs, waitMs);
  });
}
