import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import type { Deployment } from "../../apis/core/deployment.ts";
import type { Event } from "../../apis/core/event.ts";
import type { Pod } from "../../apis/core/pod.ts";
import { controllerReference, type KubeObject } from "../../apis/meta.ts";
import type { Revision } from "../../apis/serving/revision.ts";
import { parseServingConfig, type ServingConfig } from "../../config/serving-config.ts";
import { apiError } from "../../kube/errors.ts";
import { assertReport, type Expected } from "../../testing/assert-report.ts";
import type { Induce } from "../../testing/fake-client.ts";
import { conditions, testRevision } from "../../testing/serving-objects.ts";
import { assertSurvivesFaults } from "../../testing/settle.ts";
import { type Row, reconcileOnce } from "../../testing/table.ts";
import { makeDeployment } from "./deployment.ts";
import type { DigestState } from "./digest/resolver.ts";
import { makeImage } from "./image.ts";
import { makePodAutoscaler } from "./pod-autoscaler.ts";
import { makeQueueContainer } from "./queue-container.ts";
import { type RevisionDeps, revisionReconciler } from "./reconcile.ts";
import { revisionDeps } from "./revision-world.ts";

const config = parseServingConfig({ "config-deployment": { "queue-sidecar-image": "queue:test" } });
const installation = { systemNamespace: "knative-serving", metricsDomain: "knative.dev/internal/serving" };
const tag = "ghcr.io/acme/app:v1";
const pinned = "ghcr.io/acme/app@sha256:0123";
const containerStatuses = [{ name: "user-container", imageDigest: pinned }];
const resolved: DigestState = { is: "resolved", images: new Map([[tag, { pinned }]]) };

interface Options {
  readonly digests?: DigestState;
  readonly induce?: readonly Induce[];
  readonly config?: ServingConfig;
}

const rowOf = (
  objects: readonly KubeObject[],
  { digests = resolved, induce = [], config: own = config }: Options = {},
): Row<Revision, RevisionDeps, ServingConfig> => ({
  ...revisionReconciler,
  key: "ns/hello-00001",
  objects,
  induce,
  config: own,
  deps: (world) => revisionDeps(world, digests, installation),
});
const run = (...args: Parameters<typeof rowOf>) => reconcileOnce(rowOf(...args));

const bare = testRevision(1, { metadata: { labels: { "serving.knative.dev/routingState": "active" } }, status: {} });
const pinnedRevision = (status: Revision["status"] = {}): Revision => ({
  ...bare,
  status: { observedGeneration: 1, ...status, containerStatuses },
});
const readyRevision = pinnedRevision(
  conditions({ Ready: "True", ResourcesAvailable: "True", ContainerHealthy: "True", Active: "True" }),
);

function deployment(status: Deployment["status"] = {}, more: Partial<Deployment["spec"]> = {}): Deployment {
  const made = makeDeployment(pinnedRevision(), config, installation);
  return {
    ...made,
    metadata: { ...made.metadata, uid: "uid-deployment", generation: 1, resourceVersion: "1" },
    spec: { ...made.spec, ...more },
    status: { observedGeneration: 1, ...status },
  };
}
const progressing = { type: "Progressing", status: "True", reason: "NewReplicaSetAvailable" } as const;
const up = deployment({
  replicas: 1,
  updatedReplicas: 1,
  readyReplicas: 1,
  availableReplicas: 1,
  conditions: [progressing],
});
const down = deployment({ replicas: 1, updatedReplicas: 1, conditions: [progressing] });
const timedOut = deployment({
  replicas: 1,
  updatedReplicas: 1,
  conditions: [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "too slow" }],
});

function autoscaler(states: Parameters<typeof conditions>[0] | undefined, serviceName = "hello-00001"): PodAutoscaler {
  const made = makePodAutoscaler(pinnedRevision(), undefined);
  return {
    ...made,
    metadata: { ...made.metadata, resourceVersion: "1", uid: "uid-pa" },
    status: {
      serviceName,
      metricsServiceName: "m",
      actualScale: 1,
      desiredScale: 1,
      ...(states && conditions(states)),
    },
  };
}
const scaling = autoscaler({ Ready: ["Unknown", "Queued", "wait"], ScaleTargetInitialized: "Unknown" });
const scaled = autoscaler({ Ready: "True", ScaleTargetInitialized: "True" });
const image = {
  ...makeImage(bare, "user-container", pinned),
  metadata: { ...makeImage(bare, "user-container", pinned).metadata, uid: "uid-image" },
};

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

interface Case extends Expected {
  readonly name: string;
  readonly objects: readonly KubeObject[];
  readonly options?: Options;
}

const cases: readonly Case[] = [
  {
    name: "while tags are looked up nothing is made",
    objects: [bare],
    options: { digests: { is: "pending" } },
    writes: ["updateStatus revisions"],
    conditions: [
      "ContainerHealthy=Unknown",
      "Ready=Unknown ResolvingDigests",
      "ResourcesAvailable=Unknown ResolvingDigests",
    ],
  },
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
    name: "one pass makes Deployment, Image and PodAutoscaler once the tags are known",
    objects: [bare],
    writes: ["create deployments", "create images", "create podautoscalers", "updateStatus revisions"],
    conditions: [
      "Active=Unknown Deploying",
      "ContainerHealthy=Unknown Deploying",
      "Ready=Unknown Deploying",
      "ResourcesAvailable=Unknown Deploying",
    ],
  },
  {
    name: "a tag that is used as it is, since its registry may fail, is told",
    objects: [bare],
    options: { digests: { is: "resolved", images: new Map([[tag, { pinned: "", warning: "using the tag" }]]) } },
    writes: ["create deployments", "create images", "create podautoscalers", "updateStatus revisions"],
    conditions: [
      "Active=Unknown Deploying",
      "ContainerHealthy=Unknown Deploying",
      "Ready=Unknown Deploying",
      "ResourcesAvailable=Unknown Deploying",
    ],
    events: ["Warning DigestUnresolved using the tag"],
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
  {
    name: "a Deployment of somebody else's is left alone",
    objects: [pinnedRevision(), { ...up, metadata: { ...up.metadata, ownerReferences: [] } }],
    writes: ["updateStatus revisions"],
    conditions: [
      "ContainerHealthy=Unknown",
      'Ready=False NotOwned: There is an existing Deployment "hello-00001-deployment" that we do not own.',
      'ResourcesAvailable=False NotOwned: There is an existing Deployment "hello-00001-deployment" that we do not own.',
    ],
    events: ['Warning InternalError revision: "hello-00001" does not own Deployment: "hello-00001-deployment"'],
    error: /does not own Deployment/,
  },
  {
    name: "a PodAutoscaler of somebody else's is left alone",
    objects: [pinnedRevision(), up, { ...scaled, metadata: { ...scaled.metadata, ownerReferences: [] } }, image],
    writes: ["updateStatus revisions"],
    conditions: [
      "ContainerHealthy=Unknown",
      'Ready=False NotOwned: There is an existing PodAutoscaler "hello-00001" that we do not own.',
      'ResourcesAvailable=False NotOwned: There is an existing PodAutoscaler "hello-00001" that we do not own.',
    ],
    events: ['Warning InternalError revision: "hello-00001" does not own PodAutoscaler: "hello-00001"'],
    error: /does not own PodAutoscaler/,
  },
  {
    name: "a Deployment that was changed by hand is brought back, with its scale",
    objects: [readyRevision, deployment(up.status, { replicas: 4, progressDeadlineSeconds: 1 }), scaled, image],
    writes: ["update deployments", "updateStatus revisions"],
    conditions: ["Active=True", "ContainerHealthy=True", "Ready=True", "ResourcesAvailable=True"],
  },
];

for (const { name, objects, options, ...expected } of cases) {
  test(name, async () => assertReport(await run(objects, options), expected));
}

test("a settled revision asks nothing of the API server", async () => {
  const objects = [pinnedRevision(), up, scaled, image];
  const settled = (await run(objects)).statusUpdates[0] as Revision;
  const second = await run([settled, up, scaled, image]);
  assert.deepEqual(second.actions, []);
  assert.deepEqual(second.events, []);
});

test("the scale is kept when a Deployment is brought back", async () => {
  const changed = deployment(up.status, { replicas: 4, progressDeadlineSeconds: 1 });
  const report = await run([readyRevision, changed, scaled, image]);
  const { spec } = report.updates[0] as Deployment;
  assert.equal(spec.replicas, 4);
  assert.equal(spec.progressDeadlineSeconds, 600);
});

test("the log URL names the revision", async () => {
  const observability = { ...config.observability, loggingURLTemplate: ["http://logs/$", "{REVISION_UID}"].join("") };
  const report = await run([bare], { config: { ...config, observability } });
  assert.equal((report.statusUpdates[0] as Revision).status?.logUrl, `http://logs/${bare.metadata.uid}`);
});

test("a change of configuration waits for its wave", async () => {
  const others = Array.from({ length: 5 }, (_, index) => {
    const name = `other-${index}`;
    const status = { observedGeneration: 1, replicas: 2, updatedReplicas: 1, availableReplicas: 2 };
    return { ...up, metadata: { ...up.metadata, name, uid: name }, status };
  });
  const changed = deployment(up.status, { progressDeadlineSeconds: 1 });
  const report = await run([readyRevision, changed, scaled, image, ...others]);
  assert.deepEqual(report.updates, []);
  assert.equal(report.outcome?.requeueAfterMs, 3000);
  const alone = await run([readyRevision, changed, scaled, image]);
  assert.equal(alone.updates.length, 1);
});

test("a Deployment that exists at first and then does not is tried again", async () => {
  const induce: Induce = {
    verb: "create",
    resource: "deployments",
    error: apiError(409, "AlreadyExists", "there is one"),
  };
  const report = await run([bare], { induce: [induce] });
  assert.match(String(report.error), /failed to create deployment "hello-00001-deployment": deployments.apps/);
});

for (const [what, objects] of [
  ["that is new", [bare]],
  [
    "whose Deployment was edited",
    [readyRevision, deployment(up.status, { progressDeadlineSeconds: 1 }), scaled, image],
  ],
  [
    "that nothing reaches any more",
    [readyRevision, up, { ...scaled, spec: { ...scaled.spec, reachability: "Unreachable" } } as PodAutoscaler, image],
  ],
] as const) {
  test(`whatever error one write meets, a Revision ${what} ends as it would have without`, () =>
    assertSurvivesFaults(rowOf(objects), ["already exists at create images"]));
}

for (const [value, told] of [
  [undefined, undefined],
  ["disabled", undefined],
  ["Enabled", "true"],
] as const) {
  test(`unlimited streams ${value ?? "not spoken of"}: queue-proxy is told ${told ?? "nothing"}`, () => {
    const annotations = value === undefined ? {} : { "features.hakn.dev/unlimited-streams": value };
    const revision = { ...bare, metadata: { ...bare.metadata, annotations } };
    const { env } = makeQueueContainer(revision, config, installation);
    assert.equal(env?.find(({ name }) => name === "HAKN_UNLIMITED_STREAMS")?.value, told);
  });
}

test("owner references lead back to the revision", async () => {
  const report = await run([bare]);
  for (const { metadata } of report.creates) assert.deepEqual(metadata.ownerReferences, [controllerReference(bare)]);
});

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
