import assert from "node:assert/strict";
import { test } from "node:test";
import { Pod } from "../../../apis/core/pod.ts";
import { StatefulSet } from "../../../apis/core/statefulset.ts";
import { controllerReference } from "../../../apis/meta.ts";
import { apiError } from "../../../kube/errors.ts";
import type { Induce } from "../../../testing/fake-client.ts";
import { type Report, reconcileOnce } from "../../../testing/table.ts";
import { templateHash } from "../template-hash.ts";
import { revisionLabel } from "./plan.ts";
import { reconcileStatefulSet } from "./reconcile.ts";

const template = {
  metadata: { labels: { app: "db" } },
  spec: {
    containers: [{ name: "c", image: "v2" }],
    volumes: [
      { name: "data", emptyDir: {} },
      { name: "tmp", emptyDir: {} },
    ],
  },
};
const revision = `db-${templateHash(template)}`;

const setOf = (spec: Partial<StatefulSet["spec"]> = {}, status?: StatefulSet["status"]): StatefulSet => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "db", namespace: "ns", uid: "s", generation: 3 },
  spec: { selector: { matchLabels: { app: "db" } }, template, serviceName: "peers", replicas: 2, ...spec },
  ...(status && { status }),
});

const podOf = (
  name: string,
  more: { revision?: string; isReady?: boolean; readySince?: string; app?: string } = {},
): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name,
    namespace: "ns",
    uid: `uid-${name}`,
    labels: { app: more.app ?? "db", [revisionLabel]: more.revision ?? revision },
    ownerReferences: [controllerReference(setOf())],
  },
  spec: { containers: [] },
  status: {
    phase: "Running",
    conditions: [
      {
        type: "Ready",
        status: more.isReady === false ? "False" : "True",
        lastTransitionTime: more.readySince ?? "2023-12-31T00:00:00Z",
      },
    ],
  },
});

const run = (set: StatefulSet, pods: readonly Pod[], induce: Induce[] = []) =>
  reconcileOnce({
    kind: StatefulSet,
    key: "ns/db",
    objects: [set, ...pods],
    induce,
    config: null,
    deps: ({ client, informers }) => ({ client, pods: informers.of(Pod) }),
    reconcile: reconcileStatefulSet,
    tellsFailures: false,
  });
const statusOf = ({ statusUpdates }: Report<StatefulSet>) => (statusUpdates[0] as StatefulSet | undefined)?.status;

test("a pod has the set's labels, a name of its own in its Service, and its claims in place of volumes of their names", async () => {
  const volumeClaimTemplates = [{ metadata: { name: "data" }, spec: {} }];
  const report = await run(setOf({ volumeClaimTemplates }), []);
  const [pod] = report.creates as Pod[];
  assert.deepEqual(pod?.metadata.labels, {
    app: "db",
    "statefulset.kubernetes.io/pod-name": "db-0",
    "apps.kubernetes.io/pod-index": "0",
    [revisionLabel]: revision,
  });
  assert.deepEqual([pod.spec.hostname, pod.spec.subdomain], ["db-0", "peers"]);
  assert.deepEqual(pod.spec.volumes, [
    { name: "tmp", emptyDir: {} },
    { name: "data", persistentVolumeClaim: { claimName: "data-db-0" } },
  ]);
  assert.deepEqual(report.events, ["Normal SuccessfulCreate create Pod db-0 in StatefulSet db successful"]);
});

test("without claims a pod has the template's volumes", async () => {
  const { creates } = await run(setOf(), []);
  assert.deepEqual((creates[0] as Pod).spec.volumes, template.spec.volumes);
});

const refused = apiError(403, "Forbidden", "quota");
const failures: [name: string, pods: Pod[], induce: Induce, fails: boolean, events: string[]][] = [
  [
    "a pod that may not be made is told of, and tried again",
    [],
    { verb: "create", resource: "pods", error: refused },
    true,
    ["Warning FailedCreate create Pod db-0 in StatefulSet db failed error: quota"],
  ],
  [
    "a pod that is there already will be in the cache",
    [],
    { verb: "create", resource: "pods", error: apiError(409, "AlreadyExists", "there") },
    false,
    [],
  ],
  [
    "a pod that may not be deleted is told of, and tried again",
    [podOf("db-0"), podOf("db-1"), podOf("db-2")],
    { verb: "delete", resource: "pods", error: refused },
    true,
    ["Warning FailedDelete delete Pod db-2 in StatefulSet db failed error: quota"],
  ],
  [
    "a pod that has gone already need not be deleted",
    [podOf("db-0"), podOf("db-1"), podOf("db-2")],
    { verb: "delete", resource: "pods", error: apiError(404, "NotFound", "gone") },
    false,
    [],
  ],
];
for (const [name, pods, induce, fails, events] of failures) {
  test(name, async () => {
    const report = await run(setOf(), pods, [induce]);
    assert.equal(report.error !== undefined, fails);
    assert.deepEqual(report.events, events);
  });
}

test("a surplus pod is deleted, that one and no namesake", async () => {
  const report = await run(setOf(), [podOf("db-0"), podOf("db-1"), podOf("db-2")]);
  assert.deepEqual(
    report.deletes.map(({ name, options }) => [name, options]),
    [["db-2", { preconditions: { uid: "uid-db-2" } }]],
  );
  assert.deepEqual(report.events, ["Normal SuccessfulDelete delete Pod db-2 in StatefulSet db successful"]);
});

for (const [what, stranger] of [
  ["whose labels no longer match", podOf("db-1", { app: "other" })],
  ["whose name has no number", podOf("db-x")],
] as const) {
  test(`a pod ${what} is released`, async () => {
    const report = await run(setOf({ replicas: 1 }), [podOf("db-0"), stranger]);
    assert.deepEqual(
      report.patches.map(({ name, patch }) => [name, (patch!.body as Pod).metadata.ownerReferences]),
      [[stranger.metadata.name, []]],
    );
    assert.equal(statusOf(report)?.replicas, 1);
  });
}

const counts = ["replicas", "readyReplicas", "availableReplicas", "currentReplicas", "updatedReplicas"] as const;
const statuses: [
  name: string,
  set: StatefulSet,
  pods: Pod[],
  counted: number[],
  currentRevision: string,
  requeueAfterMs: number | undefined,
][] = [
  [
    "all pods are new",
    setOf({}, { replicas: 2, currentRevision: "db-old" }),
    [podOf("db-0"), podOf("db-1")],
    [2, 2, 2, 2, 2],
    revision,
    undefined,
  ],
  ["of a new set", setOf(), [podOf("db-0", { isReady: false })], [1, 0, 0, 1, 1], revision, undefined],
  [
    "half way",
    setOf({}, { replicas: 2, currentRevision: "db-old", collisionCount: 0 }),
    [podOf("db-0", { revision: "db-old" }), podOf("db-1", { isReady: false })],
    [2, 1, 1, 1, 1],
    "db-old",
    undefined,
  ],
  [
    "all pods are new, but nobody rolls them",
    setOf({ updateStrategy: { type: "OnDelete" } }, { replicas: 2, currentRevision: "db-old" }),
    [podOf("db-0"), podOf("db-1")],
    [2, 2, 2, 0, 2],
    "db-old",
    undefined,
  ],
  [
    "ready, but not for long enough: looked at again when the first will be",
    setOf({ minReadySeconds: 30, podManagementPolicy: "Parallel" }),
    [podOf("db-0", { readySince: "2023-12-31T23:59:50Z" }), podOf("db-1", { readySince: "2023-12-31T23:59:40Z" })],
    [2, 2, 0, 2, 2],
    revision,
    10_000,
  ],
];
for (const [name, set, pods, counted, currentRevision, requeueAfterMs] of statuses) {
  test(`the status: ${name}`, async () => {
    const report = await run(set, pods);
    const status = statusOf(report);
    assert.deepEqual(
      counts.map((count) => status?.[count]),
      counted,
    );
    assert.deepEqual(
      [status?.currentRevision, status?.updateRevision, status?.observedGeneration, status?.collisionCount],
      [currentRevision, revision, 3, 0],
    );
    assert.equal(report.outcome?.requeueAfterMs, requeueAfterMs);
  });
}

test("a template that collides with another gets another revision", async () => {
  const { creates } = await run(setOf({}, { replicas: 0, collisionCount: 2 }), []);
  assert.equal(creates[0]?.metadata.labels?.[revisionLabel], `db-${templateHash(template, 2)}`);
});
