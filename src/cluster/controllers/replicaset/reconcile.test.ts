import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Pod } from "../../../apis/core/pod.ts";
import { ReplicaSet } from "../../../apis/core/replicaset.ts";
import type { KubeObject } from "../../../apis/meta.ts";
import { apiError } from "../../../kube/errors.ts";
import type { Induce } from "../../../testing/fake-client.ts";
import { reconcileOnce } from "../../../testing/table.ts";
import { createExpectations } from "../expectations.ts";
import { reconcileReplicaSet } from "./reconcile.ts";

const set = (replicas: number, more: Partial<ReplicaSet["spec"]> = {}): ReplicaSet => ({
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  metadata: { name: "web", namespace: "ns", uid: "set-uid", generation: 3 },
  spec: {
    replicas,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } } },
    ...more,
  },
});
const pod = (
  name: string,
  more: { owner?: string | null; ready?: string; labels?: Record<string, string>; phase?: "Failed" } = {},
): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name,
    namespace: "ns",
    uid: `uid-${name}`,
    labels: more.labels ?? { app: "web" },
    ...(more.owner !== null && {
      ownerReferences: [
        { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: more.owner ?? "set-uid", controller: true },
      ],
    }),
  },
  spec: { containers: [], nodeName: "n" },
  status: {
    phase: more.phase ?? "Running",
    conditions: more.ready ? [{ type: "Ready", status: "True", lastTransitionTime: more.ready }] : [],
  },
});
const run = (objects: KubeObject[], induce: Induce[] = []) =>
  reconcileOnce({
    kind: ReplicaSet,
    key: "ns/web",
    objects,
    induce,
    config: null,
    deps: ({ client, informers, clock }) => {
      const pods = informers.of(Pod);
      return { client, pods, expectations: createExpectations(pods, clock) };
    },
    reconcile: reconcileReplicaSet,
  });

describe("a ReplicaSet", () => {
  it("makes missing pods, named after it and owned by it", async () => {
    const { creates, statusUpdates } = await run([set(2)]);
    assert.equal(creates.length, 2);
    assert.match(creates[0]!.metadata.name, /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    assert.equal(creates[0]!.metadata.ownerReferences?.[0]?.uid, "set-uid");
    assert.equal((statusUpdates[0] as ReplicaSet).status?.replicas, 0);
  });
  it("does not count pods that have ended, nor those of others", async () => {
    const { creates } = await run([set(1), pod("a", { phase: "Failed" }), pod("b", { owner: "other" })]);
    assert.equal(creates.length, 1);
  });
  it("deletes surplus pods, those that are not ready first", async () => {
    const { deletes } = await run([set(1), pod("a", { ready: "2023-12-31T00:00:00Z" }), pod("b")]);
    assert.deepEqual(
      deletes.map(({ name }) => name),
      ["b"],
    );
    assert.deepEqual(deletes[0]!.options, { preconditions: { uid: "uid-b" } });
  });
  it("adopts pods that match and belong to nobody, and releases those that match no longer", async () => {
    const { patches, creates } = await run([set(1), pod("orphan", { owner: null }), pod("strange", { labels: {} })]);
    assert.deepEqual(patches.map(({ name }) => name).sort(), ["orphan", "strange"]);
    assert.equal(creates.length, 0);
  });
  it("counts ready and available pods and looks again when one will be available", async () => {
    const ready = [pod("a", { ready: "2023-12-31T00:00:00Z" }), pod("b", { ready: "2023-12-31T23:59:56Z" }), pod("c")];
    const { statusUpdates, outcome } = await run([set(3, { minReadySeconds: 10 }), ...ready]);
    const { status } = statusUpdates[0] as ReplicaSet;
    assert.deepEqual(status, {
      replicas: 3,
      fullyLabeledReplicas: 3,
      readyReplicas: 2,
      availableReplicas: 1,
      observedGeneration: 3,
    });
    assert.equal(outcome?.requeueAfterMs, 6000);
  });
  it("reports what keeps it from making pods, in the server's words, and makes one attempt at first", async () => {
    const error = apiError(403, "Forbidden", 'pods "web-x" is forbidden: exceeded quota');
    const {
      statusUpdates,
      creates,
      events,
      error: failure,
    } = await run([set(5)], [{ verb: "create", resource: "pods", error }]);
    const [condition] = (statusUpdates[0] as ReplicaSet).status?.conditions ?? [];
    assert.deepEqual(
      [condition?.type, condition?.status, condition?.reason, condition?.message],
      ["ReplicaFailure", "True", "FailedCreate", 'pods "web-x" is forbidden: exceeded quota'],
    );
    assert.equal(creates.length, 1);
    assert.equal(failure, error);
    assert.ok(events.includes('Warning FailedCreate Error creating: pods "web-x" is forbidden: exceeded quota'));
  });
  it("does nothing while its own writes are not in the cache yet", async () => {
    const { creates } = await reconcileOnce({
      kind: ReplicaSet,
      key: "ns/web",
      objects: [set(2)],
      config: null,
      deps: ({ client, informers, clock }) => {
        const pods = informers.of(Pod);
        const expectations = createExpectations(pods, clock);
        expectations.expectCreation("ns/web", "ns/web-abcde");
        return { client, pods, expectations };
      },
      reconcile: reconcileReplicaSet,
    });
    assert.equal(creates.length, 0);
  });
});
