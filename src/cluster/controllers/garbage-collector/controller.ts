import type { KubeObject, OwnerReference } from "../../../apis/meta.ts";
import type { Change } from "../../../kube/api.ts";
import type { Watch } from "../../../kube/controller.ts";
import { isNotFound } from "../../../kube/errors.ts";
import type { BuiltinContext } from "../context.ts";
import type { DiscoveredKind } from "../discovery.ts";
import { startKeyedWorker } from "../keyed-worker.ts";
import { blocks, foregroundFinalizer, judge, type OwnerState, orphanFinalizer, stateOfPresent } from "./decide.ts";
import { createOwnerGraph, type OwnerGraph } from "./graph.ts";

/**
 * Deletes what belongs to nobody any more, and carries foreground deletions and orphaning out.
 * Owners count by uid, so a namesake made later owns nothing.
 */
export function startGarbageCollector(context: BuiltinContext): { readonly done: Promise<void> } {
  const graph = createOwnerGraph(context);
  const watch: Watch = {
    subscribe: (enqueue) =>
      graph.onChange((change, id) => {
        const { metadata } = change.object;
        if (change.type === "deleted") {
          for (const dependent of graph.dependentsOf(metadata.uid ?? "")) enqueue(dependent.id);
        } else if (metadata.ownerReferences?.length || isHeld(change.object)) enqueue(id);
        for (const uid of noLongerBlocked(change)) {
          const owner = graph.byUid(uid);
          if (owner && isHeld(owner)) enqueueOwner(owner, graph, enqueue);
        }
      }),
  };
  const worker = startKeyedWorker(context, "garbage-collector", [watch], (id) => collect(id, graph, context));
  return { done: Promise.all([worker.done, graph.done]).then(() => {}) };
}

/** The uids of the owners whose foreground deletion this object held up until now. */
function noLongerBlocked(change: Change<KubeObject>): string[] {
  const before = change.type === "updated" ? change.old : change.object;
  return (before.metadata.ownerReferences ?? [])
    .map(({ uid }) => uid)
    .filter((uid) => blocks(before, uid) && (change.type === "deleted" || !blocks(change.object, uid)));
}

function isHeld({ metadata }: KubeObject): boolean {
  const finalizers = metadata.finalizers ?? [];
  const ours = finalizers.includes(foregroundFinalizer) || finalizers.includes(orphanFinalizer);
  return metadata.deletionTimestamp !== undefined && ours;
}

function enqueueOwner(owner: KubeObject, graph: OwnerGraph, enqueue: (id: string) => void): void {
  const kind = graph.kindOf(owner);
  if (!kind) return;
  const { namespace, name } = owner.metadata;
  enqueue(`${kind.group}/${kind.plural} ${namespace ? `${namespace}/${name}` : name}`);
}

/** A conflict is thrown: the newer version comes through the cache, and then we look again. */
async function collect(id: string, graph: OwnerGraph, context: BuiltinContext): Promise<void> {
  const found = graph.find(id);
  if (!found) return;
  const { object, kind } = found;
  const finalizers = object.metadata.finalizers ?? [];
  if (object.metadata.deletionTimestamp) {
    if (finalizers.includes(orphanFinalizer)) await orphanDependents(object, kind, graph, context);
    else if (finalizers.includes(foregroundFinalizer)) await deleteDependents(object, kind, graph, context);
    return;
  }
  const states = new Map<string, OwnerState>();
  for (const owner of object.metadata.ownerReferences ?? []) {
    states.set(owner.uid, await stateOf(owner, object, graph, context));
  }
  const uid = object.metadata.uid ?? "";
  const dependents = graph.dependentsOf(uid).map((dependent) => stateOfPresent(dependent.object));
  const verdict = judge(object, (owner) => states.get(owner.uid)!, dependents);
  if (verdict.type === "keep") return;
  if (verdict.type === "release") {
    await setMetadata(object, kind, { ownerReferences: verdict.ownerReferences }, context);
    return;
  }
  const { client, signal } = context;
  // If it was changed meanwhile, it may have an owner again.
  const preconditions = { uid, resourceVersion: object.metadata.resourceVersion ?? "" };
  const options = { propagationPolicy: verdict.policy, preconditions, signal };
  await client.of(kind).delete(refOf(object), options).catch(ignoreGone);
}

/** Trusts the cache that an owner is there, and only the API server that it is not. */
async function stateOf(
  owner: OwnerReference,
  dependent: KubeObject,
  graph: OwnerGraph,
  { client, signal }: BuiltinContext,
): Promise<OwnerState> {
  const cached = graph.byUid(owner.uid);
  if (cached) return stateOfPresent(cached);
  const kind = graph.kindOf(owner);
  // Of a kind that nobody serves, nobody can say that it is gone.
  if (!kind) return "solid";
  const { namespace } = dependent.metadata;
  if (kind.namespaced && !namespace) return "solid";
  const ref = kind.namespaced ? { name: owner.name, namespace: namespace! } : { name: owner.name };
  try {
    const present = await client.of(kind).get(ref, signal);
    return present.metadata.uid === owner.uid ? stateOfPresent(present) : "gone";
  } catch (error) {
    if (isNotFound(error)) return "gone";
    throw error;
  }
}

async function deleteDependents(
  owner: KubeObject,
  kind: DiscoveredKind,
  graph: OwnerGraph,
  context: BuiltinContext,
): Promise<void> {
  const uid = owner.metadata.uid ?? "";
  const dependents = graph.dependentsOf(uid);
  for (const { id, object } of dependents) if (!object.metadata.deletionTimestamp) await collect(id, graph, context);
  if (dependents.some(({ object }) => blocks(object, uid))) return;
  await removeFinalizer(owner, kind, foregroundFinalizer, context);
}

async function orphanDependents(
  owner: KubeObject,
  kind: DiscoveredKind,
  graph: OwnerGraph,
  context: BuiltinContext,
): Promise<void> {
  const uid = owner.metadata.uid ?? "";
  for (const { object, kind: dependentKind } of graph.dependentsOf(uid)) {
    const ownerReferences = (object.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid);
    await setMetadata(object, dependentKind, { ownerReferences }, context);
  }
  await removeFinalizer(owner, kind, orphanFinalizer, context);
}

async function removeFinalizer(
  object: KubeObject,
  kind: DiscoveredKind,
  finalizer: string,
  context: BuiltinContext,
): Promise<void> {
  const finalizers = (object.metadata.finalizers ?? []).filter((other) => other !== finalizer);
  await setMetadata(object, kind, { finalizers }, context);
}

async function setMetadata(
  object: KubeObject,
  kind: DiscoveredKind,
  change: object,
  { client, signal }: BuiltinContext,
): Promise<void> {
  const { uid, resourceVersion } = object.metadata;
  const body = { metadata: { ...change, uid, resourceVersion } };
  await client.of(kind).patch(refOf(object), { type: "merge", body }, { signal }).catch(ignoreGone);
}

function ignoreGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

function refOf({ metadata: { name, namespace } }: KubeObject): { name: string; namespace?: string } {
  return namespace ? { name, namespace } : { name };
}
