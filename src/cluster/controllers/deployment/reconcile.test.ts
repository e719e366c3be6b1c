import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Deployment } from "../../../apis/core/deployment.ts";
import { Pod } from "../../../apis/core/pod.ts";
import { ReplicaSet } from "../../../apis/core/replicaset.ts";
import type { KubeObject } from "../../../apis/meta.ts";
import { apiError } from "../../../kube/errors.ts";
import type { Induce } from "../../../testing/fake-client.ts";
import { type Report, reconcileOnce } from "../../../testing/table.ts";
import { reconcileDeployment } from "./reconcile.ts";
import { makeReplicaSet } from "./replica-set.ts";

const now = "2024-01-01T01:00:00Z";
const template = (image: string) =>
  ({
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "c", image }] },
  }) as unknown as NonNullable<Deployment["spec"]["template"]>;
const deployment = (
  spec: Partial<Deployment["spec"]> = {},
  more: { revision?: string; status?: Deployment["status"] } = {},
): Deployment => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: {
    name: "web",
    namespace: "ns",
    uid: "d",
    generation: 5,
    annotations: { note: "x", ...(more.revision && { "deployment.kubernetes.io/revision": more.revision }) },
  },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: template("v2"),
    progressDeadlineSeconds: 600,
    ...spec,
  },
  ...(more.status && { status: more.status }),
});
/** The ReplicaSet that the Deployment made for an image. */
const setFor = (
  image: string,
  revision: number,
  replicas: number,
  status: Partial<NonNullable<ReplicaSet["status"]>> = {},
): ReplicaSet => {
  const made = makeReplicaSet(deployment({ template: template(image) }), revision, replicas);
  const counts = { replicas, readyReplicas: replicas, availableReplicas: replicas, observedGeneration: 1, ...status };
  return {
    ...made,
    metadata: {
      ...made.metadata,
      uid: `uid-${image}`,
      generation: 1,
      creationTimestamp: `2024-01-01T00:0${revision}:00Z`,
    },
    status: counts,
  };
};
const run = (objects: KubeObject[], induce: Induce[] = []) =>
  reconcileOnce({
    kind: Deployment,
    key: "ns/web",
    objects,
    induce,
    now,
    config: null,
    deps: ({ client, informers }) => ({ client, sets: informers.of(ReplicaSet), pods: informers.of(Pod) }),
    reconcile: reconcileDeployment,
  });
const statusOf = (report: Report<Deployment>) => (report.statusUpdates[0] as Deployment | undefined)?.status;
const conditionOf = (report: Report<Deployment>, type: string) => {
  const found = statusOf(report)?.conditions?.find((condition) => condition.type === type);
  return found && [found.status, found.reason, found.message];
};
const sizes = (report: Report<Deployment>) =>
  report.patches.flatMap(({ name, patch }) => {
    const replicas = (patch?.body as { spec?: { replicas?: number } } | undefined)?.spec?.replicas;
    return replicas === undefined ? [] : [[name, replicas]];
  });

describe("a Deployment", () => {
  it("first notes its revision", async () => {
    const { patches, creates } = await run([deployment()]);
    assert.deepEqual(patches[0]?.patch?.body, {
      metadata: { annotations: { "deployment.kubernetes.io/revision": "1" } },
    });
    assert.equal(creates.length, 0);
  });
  it("then makes a ReplicaSet of its template", async () => {
    const report = await run([deployment({}, { revision: "1" })]);
    const set = report.creates[0] as ReplicaSet;
    const hash = set.metadata.labels?.["pod-template-hash"] ?? "";
    assert.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
    assert.equal(set.metadata.name, `web-${hash}`);
    assert.equal(set.spec.replicas, 2);
    assert.deepEqual(set.spec.selector?.matchLabels, { app: "web", "pod-template-hash": hash });
    assert.deepEqual(set.metadata.annotations, {
      note: "x",
      "deployment.kubernetes.io/revision": "1",
      "deployment.kubernetes.io/desired-replicas": "2",
      "deployment.kubernetes.io/max-replicas": "3",
    });
    assert.deepEqual(conditionOf(report, "Progressing"), [
      "True",
      "NewReplicaSetCreated",
      `Created new replica set "web-${hash}"`,
    ]);
    assert.ok(report.events.includes(`Normal ScalingReplicaSet Scaled up replica set web-${hash} from 0 to 2`));
  });
  it("takes one step of a rollout at a time", async () => {
    const [old, next] = [setFor("v1", 1, 2), setFor("v2", 2, 1, { readyReplicas: 1, availableReplicas: 1 })];
    const report = await run([deployment({}, { revision: "2" }), old, next]);
    assert.deepEqual(sizes(report), [[old.metadata.name, 1]]);
    assert.ok(
      report.events.includes(`Normal ScalingReplicaSet Scaled down replica set ${old.metadata.name} from 2 to 1`),
    );
    assert.deepEqual(conditionOf(report, "Progressing")?.slice(0, 2), ["True", "ReplicaSetUpdated"]);
  });
  it("is complete when all pods are new and available, and then drops history beyond its limit", async () => {
    const sets = [setFor("v0", 1, 0), setFor("v1", 2, 0), setFor("v2", 3, 2)];
    const report = await run([deployment({ revisionHistoryLimit: 1 }, { revision: "3" }), ...sets]);
    const name = sets[2]!.metadata.name;
    assert.deepEqual(conditionOf(report, "Progressing"), [
      "True",
      "NewReplicaSetAvailable",
      `ReplicaSet "${name}" has successfully progressed.`,
    ]);
    assert.deepEqual(conditionOf(report, "Available"), [
      "True",
      "MinimumReplicasAvailable",
      "Deployment has minimum availability.",
    ]);
    assert.deepEqual(
      report.deletes.map((action) => action.name),
      [sets[0]!.metadata.name],
    );
  });
  it("goes back to an old ReplicaSet under a new revision, and keeps the numbers it had", async () => {
    const old = setFor("v2", 1, 0);
    const report = await run([deployment({}, { revision: "3" }), old, setFor("v1", 2, 2)]);
    const body = report.patches[0]?.patch?.body as ReplicaSet;
    assert.equal(report.patches[0]?.name, old.metadata.name);
    assert.equal(body.metadata.annotations?.["deployment.kubernetes.io/revision"], "3");
    assert.equal(body.metadata.annotations?.["deployment.kubernetes.io/revision-history"], "1");
  });
  const progressing = {
    type: "Progressing",
    status: "True" as const,
    reason: "NewReplicaSetCreated",
    lastTransitionTime: "2024-01-01T00:40:00Z",
  };
  const stuck = setFor("v2", 1, 2, { readyReplicas: 0, availableReplicas: 0 });
  const status = {
    replicas: 2,
    updatedReplicas: 2,
    conditions: [{ ...progressing, lastUpdateTime: "2024-01-01T00:49:59Z" }],
  };
  it("fails when nothing has moved within its deadline", async () => {
    const report = await run([deployment({}, { revision: "1", status }), stuck]);
    const text = `ReplicaSet "${stuck.metadata.name}" has timed out progressing.`;
    assert.deepEqual(conditionOf(report, "Progressing"), ["False", "ProgressDeadlineExceeded", text]);
    assert.deepEqual(conditionOf(report, "Available")?.slice(0, 2), ["False", "MinimumReplicasUnavailable"]);
  });
  it("looks again when its deadline is due", async () => {
    const earlier = { ...status, conditions: [{ ...progressing, lastUpdateTime: "2024-01-01T00:55:00Z" }] };
    const report = await run([deployment({}, { revision: "1", status: earlier }), stuck]);
    assert.deepEqual(conditionOf(report, "Progressing")?.slice(0, 2), ["True", "NewReplicaSetCreated"]);
    assert.equal(report.outcome?.requeueAfterMs, 301_000);
  });
  it("passes on why its ReplicaSet cannot make pods", async () => {
    const failure = {
      type: "ReplicaFailure",
      status: "True" as const,
      reason: "FailedCreate",
      message: "quota",
      lastTransitionTime: now,
    };
    const report = await run([deployment({}, { revision: "1" }), setFor("v2", 1, 2, { conditions: [failure] })]);
    assert.deepEqual(conditionOf(report, "ReplicaFailure"), ["True", "FailedCreate", "quota"]);
  });
  it("does not roll out while it is paused, but says so and follows its size", async () => {
    const old = setFor("v1", 1, 2);
    const report = await run([deployment({ paused: true, replicas: 4 }, { revision: "1" }), old]);
    assert.deepEqual(report.creates, []);
    assert.deepEqual(sizes(report), [[old.metadata.name, 4]]);
    assert.deepEqual(conditionOf(report, "Progressing"), ["Unknown", "DeploymentPaused", "Deployment is paused"]);
  });
  it("with Recreate, ends all old pods before it makes a new one", async () => {
    const old = setFor("v1", 1, 2);
    const recreate = { strategy: { type: "Recreate" as const } };
    const first = await run([deployment(recreate, { revision: "1" }), old]);
    assert.deepEqual([first.creates, sizes(first)], [[], [[old.metadata.name, 0]]]);
    const empty = setFor("v1", 1, 0);
    const pod: Pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: "p",
        namespace: "ns",
        deletionTimestamp: now,
        ownerReferences: [
          { apiVersion: "apps/v1", kind: "ReplicaSet", name: old.metadata.name, uid: "uid-v1", controller: true },
        ],
      },
      spec: { containers: [] },
      status: { phase: "Running" },
    };
    assert.deepEqual((await run([deployment(recreate, { revision: "1" }), empty, pod])).creates, []);
    assert.equal((await run([deployment(recreate, { revision: "2" }), empty])).creates.length, 1);
  });
  it("makes another name when a strange ReplicaSet has the one that it would take", async () => {
    const wanted = makeReplicaSet(deployment(), 1, 2);
    const strange = { ...wanted, metadata: { ...wanted.metadata, labels: {}, ownerReferences: [] } };
    const report = await run([deployment({}, { revision: "1" }), strange]);
    assert.equal(statusOf(report)?.collisionCount, 1);
  });
  it("reports a ReplicaSet that is refused", async () => {
    const error = apiError(403, "Forbidden", "no");
    const report = await run([deployment({}, { revision: "1" })], [{ verb: "create", resource: "replicasets", error }]);
    assert.deepEqual(conditionOf(report, "Progressing")?.slice(0, 2), ["False", "ReplicaSetCreateError"]);
    assert.equal(report.error, error);
  });
});
