import assert from "node:assert/strict";
import { test } from "node:test";
import { Pod } from "../../apis/core/pod.ts";
import { controllerReference, type KubeObject, type OwnerReference } from "../../apis/meta.ts";
import { apiError } from "../../kube/errors.ts";
import { fakeClient, type Induce } from "../../testing/fake-client.ts";
import { claim } from "./claim.ts";

const owner: KubeObject = {
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  metadata: { name: "o", namespace: "ns", uid: "o" },
};
const stranger: KubeObject = { ...owner, metadata: { ...owner.metadata, name: "s", uid: "s" } };
const doomedOwner: KubeObject = {
  ...owner,
  metadata: { ...owner.metadata, deletionTimestamp: "2024-01-01T00:00:00Z" },
};
const mine = controllerReference(owner);
const theirs = controllerReference(stranger);
const keeper: OwnerReference = { apiVersion: "v1", kind: "ConfigMap", name: "k", uid: "k" };
const refusal = (code: number, reason: string): Induce => ({
  verb: "patch",
  resource: "pods",
  error: apiError(code, reason, "no"),
});

interface Case {
  readonly references?: readonly OwnerReference[];
  readonly app?: string;
  readonly by?: KubeObject;
  readonly isDoomed?: boolean;
  readonly induce?: Induce;
}

const cases: readonly [name: string, it: Case, isClaimed: boolean, owners: readonly string[]][] = [
  ["one that it controls and that matches", { references: [mine] }, true, ["o"]],
  ["one that it controls and that matches no longer", { references: [keeper, mine], app: "x" }, false, ["k"]],
  ["the same, while it is being deleted", { references: [mine], app: "x", by: doomedOwner }, false, ["o"]],
  ["one of nobody that matches", {}, true, ["o"]],
  ["one that somebody else only owns", { references: [keeper] }, true, ["k", "o"]],
  ["one of nobody that does not match", { app: "x" }, false, []],
  ["one of nobody, while it is being deleted", { by: doomedOwner }, false, []],
  ["one of nobody that is being deleted", { isDoomed: true }, false, []],
  ["one that somebody else controls", { references: [theirs] }, false, ["s"]],
  ["one that is gone meanwhile", { induce: refusal(404, "NotFound") }, false, []],
  ["one that somebody has changed meanwhile", { induce: refusal(409, "Conflict") }, false, []],
];

for (const [name, { references = [], app = "web", by = owner, isDoomed = false, induce }, isClaimed, uids] of cases) {
  test(`${name} is ${isClaimed ? "" : "not "}claimed; its owners are then ${uids.join(" and ") || "nobody"}`, async () => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: "p",
        namespace: "ns",
        uid: "p",
        labels: { app },
        ...(references.length > 0 && { ownerReferences: [...references] }),
        ...(isDoomed && { deletionTimestamp: "2024-01-01T00:00:00Z" }),
      },
      spec: { containers: [] },
    } as Pod;
    const client = fakeClient([pod], induce ? [induce] : []);
    const matches = ({ metadata }: Pod) => metadata.labels?.["app"] === "web";
    const claimed = await claim(by, [pod], matches, client.of(Pod), new AbortController().signal);
    assert.equal(claimed.length, isClaimed ? 1 : 0);
    const stored = client.stored(Pod, pod.metadata)?.metadata.ownerReferences ?? [];
    assert.deepEqual(
      stored.map(({ uid }) => uid),
      uids,
    );
  });
}

test("another refusal is the caller's", async () => {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "ns" },
    spec: { containers: [] },
  } as Pod;
  const client = fakeClient([pod], [refusal(500, "InternalError")]);
  await assert.rejects(
    claim(owner, [pod], () => true, client.of(Pod), new AbortController().signal),
    { code: 500 },
  );
});
