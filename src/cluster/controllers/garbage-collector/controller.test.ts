import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigMap } from "../../../apis/core/configmap.ts";
import type { Node } from "../../../apis/core/node.ts";
import type { KubeObject, OwnerReference } from "../../../apis/meta.ts";
import type { DeleteOptions } from "../../../kube/api.ts";
import { apiError } from "../../../kube/errors.ts";
import { silentLogger } from "../../../lib/log.ts";
import { type Action, type FakeClient, fakeClient, type Induce } from "../../../testing/fake-client.ts";
import { fakeClock } from "../../../testing/fake-clock.ts";
import { type FakeInformers, fakeInformers } from "../../../testing/fake-informers.ts";
import { startGarbageCollector } from "./controller.ts";

const deletionTimestamp = "2024-01-01T00:00:00Z";
const uidOf = (name: string) => `uid-${name}`;
const ownedBy = (name: string, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  name,
  uid: uidOf(name),
  ...more,
});
const blocking = (name: string) => ownedBy(name, { blockOwnerDeletion: true });
const map = (name: string, owners: OwnerReference[] = [], more: Partial<KubeObject["metadata"]> = {}): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "ns", uid: uidOf(name), resourceVersion: "1", ownerReferences: owners, ...more },
});
const node = (name: string, owners: OwnerReference[] = []): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, uid: uidOf(name), resourceVersion: "1", ownerReferences: owners },
  spec: {},
});
/** An owner whose deletion waits for what `finalizer` asks for. */
const leaving = (name: string, finalizer: string, owners: OwnerReference[] = []) =>
  map(name, owners, { deletionTimestamp, finalizers: ["example.com/mine", finalizer] });

const verbs = ["list", "watch", "delete"];
const discovery: Readonly<Record<string, unknown>> = {
  "/apis": { groups: [] },
  "/api/v1": {
    resources: [
      { name: "configmaps", kind: "ConfigMap", namespaced: true, verbs },
      { name: "nodes", kind: "Node", namespaced: false, verbs },
    ],
  },
};

interface World {
  readonly cached: readonly KubeObject[];
  /** What the API server has, and the cache does not show yet. */
  readonly uncached?: readonly KubeObject[];
  readonly induce?: readonly Induce[];
}

/** A collector that has looked at everything once. */
async function started({ cached, uncached = [], induce = [] }: World) {
  const clock = fakeClock();
  const informers = fakeInformers(cached);
  const fake = fakeClient([...cached, ...uncached], induce);
  const client = { ...fake, raw: async (_method: string, path: string) => discovery[path] };
  const stopped = new AbortController();
  const { signal } = stopped;
  const collector = startGarbageCollector({ client, informers, clock, log: silentLogger, signal, caCertificate: "" });
  await clock.advance(0);
  const stop = () => {
    stopped.abort();
    return collector.done;
  };
  return { client: fake, writes: () => fake.actions.map(told), clock, informers, stop };
}

/** A write in few words. Every deletion and change is one of the version that was looked at. */
function told({ verb, name, patch, options }: Action): string {
  if (verb === "delete") {
    const { propagationPolicy, preconditions } = options as DeleteOptions;
    assert.deepEqual(preconditions, { uid: uidOf(name), resourceVersion: "1" });
    return `delete ${name}, ${propagationPolicy}`;
  }
  const { uid, resourceVersion, ownerReferences, finalizers } = (patch!.body as KubeObject).metadata;
  assert.deepEqual({ uid, resourceVersion }, { uid: uidOf(name), resourceVersion: "1" });
  const owners = ownerReferences?.map((owner) => owner.name + (owner.blockOwnerDeletion === false ? " unblocked" : ""));
  return owners ? `${name} belongs to ${owners.join(" and ") || "nobody"}` : `${name} keeps ${finalizers?.join()}`;
}

const unknown = { apiVersion: "example.com/v1", kind: "Thing" };
const waiting = leaving("owner", "foregroundDeletion");
const orphaning = leaving("owner", "orphan");
const rows: [name: string, world: World, writes: string[]][] = [
  ["what has its owner stays", { cached: [map("owner"), map("child", [ownedBy("owner")])] }, []],
  ["what nobody owns stays, though it is being deleted", { cached: [map("a", [], { deletionTimestamp })] }, []],
  ["what has lost its owner goes", { cached: [map("child", [ownedBy("owner")])] }, ["delete child, Background"]],
  [
    "what belongs to something that the cache does not show yet stays",
    { cached: [map("child", [ownedBy("owner")])], uncached: [map("owner")] },
    [],
  ],
  [
    "what belongs to something that waits for it goes, though the cache does not show the owner yet",
    { cached: [map("child", [ownedBy("owner")])], uncached: [waiting] },
    ["delete child, Background"],
  ],
  [
    "what belonged to a namesake goes",
    { cached: [map("child", [ownedBy("owner")])], uncached: [map("owner", [], { uid: "later" })] },
    ["delete child, Background"],
  ],
  [
    "an owner without a namespace is looked for there",
    { cached: [map("child", [ownedBy("n", { kind: "Node" })])], uncached: [node("n")] },
    [],
  ],
  [
    "what belongs to a lost owner without a namespace goes",
    { cached: [map("child", [ownedBy("n", { kind: "Node" })])] },
    ["delete child, Background"],
  ],
  ["what has no namespace cannot have lost an owner that has one", { cached: [node("n", [ownedBy("owner")])] }, []],
  ["what belongs to an unknown kind stays", { cached: [map("child", [ownedBy("owner", unknown)])] }, []],
  [
    "what has another owner left stays with that one",
    { cached: [map("other"), map("child", [ownedBy("owner"), ownedBy("other")])] },
    ["child belongs to other"],
  ],
  [
    "while nobody can say whether the owner is there, all stays",
    { cached: [map("child", [ownedBy("owner")])], induce: [{ verb: "get", resource: "configmaps" }] },
    [],
  ],
  [
    "an owner waits for those that hold it up",
    { cached: [waiting, map("child", [blocking("owner")]), map("free", [ownedBy("owner")])] },
    ["delete child, Background", "delete free, Background"],
  ],
  [
    "an owner does not wait for others",
    { cached: [waiting, map("free", [ownedBy("owner")])] },
    ["delete free, Background", "owner keeps example.com/mine"],
  ],
  [
    "an owner waits for one that is on its way out, without deleting it once more",
    { cached: [waiting, map("child", [blocking("owner")], { deletionTimestamp })] },
    [],
  ],
  [
    "an owner waits for one that belongs to others, too",
    { cached: [waiting, map("child", [blocking("owner"), ownedBy("other")], { deletionTimestamp })] },
    [],
  ],
  [
    "an owner that the cache shows is not asked for",
    { cached: [waiting, map("child", [blocking("owner")])], induce: [{ verb: "get", resource: "configmaps" }] },
    ["delete child, Background"],
  ],
  [
    "an orphaning owner leaves its dependents, and they their other owners",
    { cached: [orphaning, map("other"), map("child", [ownedBy("owner"), ownedBy("other")])] },
    ["child belongs to other", "owner keeps example.com/mine"],
  ],
  [
    "an orphaning owner goes though a dependent has gone meanwhile",
    {
      cached: [orphaning, map("child", [ownedBy("owner")])],
      induce: [{ verb: "patch", resource: "configmaps", error: apiError(404, "NotFound", "gone"), times: 1 }],
    },
    ["child belongs to nobody", "owner keeps example.com/mine"],
  ],
  [
    "an orphaning owner stays while a dependent cannot be told",
    {
      cached: [orphaning, map("child", [ownedBy("owner")])],
      induce: [{ verb: "patch", resource: "configmaps", error: apiError(409, "Conflict", "changed"), times: 1 }],
    },
    ["child belongs to nobody"],
  ],
  [
    "two that own each other do not wait for each other",
    { cached: [leaving("owner", "foregroundDeletion", [blocking("child")]), map("child", [blocking("owner")])] },
    ["child belongs to owner unblocked"],
  ],
];
for (const [name, world, writes] of rows) {
  test(name, async () => {
    const collector = await started(world);
    assert.deepEqual([...new Set(collector.writes())].sort(), [...writes].sort());
    if (!world.induce) assert.equal(collector.clock.pendingTimers(), 0, "nothing is to be repeated");
    await collector.stop();
  });
}

type Happening = (informers: FakeInformers, client: FakeClient) => void;
const deletion: DeleteOptions = {
  propagationPolicy: "Background",
  preconditions: { uid: uidOf("owner"), resourceVersion: "1" },
};
const held = map("child", [blocking("owner")], { deletionTimestamp });
const freed = (owners: OwnerReference[]) => map("child", owners, { deletionTimestamp, resourceVersion: "2" });
const changes: [name: string, cached: KubeObject[], happens: Happening, writes: string[]][] = [
  [
    "what belongs to something that is deleted goes",
    [map("owner"), map("child", [ownedBy("owner")])],
    (informers, client) => {
      void client.of(ConfigMap).delete({ name: "owner", namespace: "ns" }, deletion);
      informers.remove(map("owner"));
    },
    ["delete owner, Background", "delete child, Background"],
  ],
  [
    "what is made for an owner that waits goes, too",
    [waiting, held],
    (informers) => informers.put(map("late", [blocking("owner")])),
    ["delete late, Background"],
  ],
  [
    "what belongs to an owner that begins to wait goes",
    [map("owner"), map("child", [blocking("owner")])],
    (informers) => informers.put({ ...waiting, metadata: { ...waiting.metadata, resourceVersion: "2" } }),
    ["delete child, Background"],
  ],
  [
    "an owner goes when the last one that held it up has gone",
    [waiting, held],
    (informers) => informers.remove(held),
    ["owner keeps example.com/mine"],
  ],
  [
    "an owner goes when the last one that held it up belongs to others",
    [waiting, held],
    (informers) => informers.put(freed([ownedBy("other")])),
    ["owner keeps example.com/mine"],
  ],
  [
    "an owner goes when the last one that held it up does so no longer",
    [waiting, held],
    (informers) => informers.put(freed([ownedBy("owner")])),
    ["owner keeps example.com/mine"],
  ],
  [
    "an owner whose dependent only changes waits on",
    [waiting, held],
    (informers) => informers.put(freed([blocking("owner")])),
    [],
  ],
  [
    "an owner that is not being deleted is not touched when a dependent goes",
    [map("owner", [], { finalizers: ["foregroundDeletion"] }), map("child", [blocking("owner")])],
    (informers) => informers.remove(map("child", [blocking("owner")])),
    [],
  ],
];
for (const [name, cached, happens, writes] of changes) {
  test(name, async () => {
    const collector = await started({ cached });
    assert.deepEqual(collector.writes(), []);
    happens(collector.informers, collector.client);
    await collector.clock.advance(0);
    assert.deepEqual(collector.writes(), writes);
    await collector.stop();
  });
}

const lost = map("child", [ownedBy("owner")]);
const retries: [name: string, induce: Induce, attempts: number][] = [
  ["a failed look for the owner is repeated", { verb: "get", resource: "configmaps", times: 1 }, 1],
  ["a deletion that failed is repeated", { verb: "delete", resource: "configmaps", times: 1 }, 2],
  [
    "what changed just before its deletion is looked at again",
    { verb: "delete", resource: "configmaps", error: apiError(409, "Conflict", "changed"), times: 1 },
    2,
  ],
  [
    "what has gone just before its deletion is left",
    { verb: "delete", resource: "configmaps", error: apiError(404, "NotFound", "gone") },
    1,
  ],
];
for (const [name, induce, attempts] of retries) {
  test(name, async () => {
    const { writes, clock, stop } = await started({ cached: [lost], induce: [induce] });
    await clock.advance(10_000);
    assert.deepEqual(writes(), Array(attempts).fill("delete child, Background"));
    await stop();
  });
}
