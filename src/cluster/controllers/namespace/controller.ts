import { Namespace } from "../../../apis/core/namespace.ts";
import { resourceNameOf } from "../../../apis/kind.ts";
import { watching } from "../../../kube/controller.ts";
import { isConflict, isNotFound } from "../../../kube/errors.ts";
import { isoTime } from "../../../lib/iso-time.ts";
import type { BuiltinContext } from "../context.ts";
import { type DiscoveredKind, discoverKinds } from "../discovery.ts";
import { type KeyedWorker, startKeyedWorker } from "../keyed-worker.ts";

const finalizer = "kubernetes";
const recheckMs = 500;

/** Empties namespaces that are being deleted, and then lets them go. */
export function startNamespaceController(context: BuiltinContext): KeyedWorker {
  const { client, informers, signal } = context;
  const namespaces = informers.of(Namespace);
  const isDue = ({ metadata, spec }: Namespace) =>
    metadata.deletionTimestamp !== undefined && (spec?.finalizers ?? []).includes(finalizer);
  const watches = [watching(namespaces, (namespace) => (isDue(namespace) ? [namespace.metadata.name] : []))];

  const worker = startKeyedWorker(context, "namespace-controller", watches, async (name) => {
    const namespace = namespaces.get({ name });
    if (!namespace || !isDue(namespace)) return;
    const kinds = (await discoverKinds(client, signal)).filter((kind) => kind.namespaced);
    const remaining = (await Promise.all(kinds.map((kind) => empty(kind, name)))).filter((left) => left.count > 0);
    if (remaining.length > 0) {
      await report(name, remaining);
      worker.enqueue(name, recheckMs);
      return;
    }
    const finalizers = namespace.spec?.finalizers?.filter((other) => other !== finalizer) ?? [];
    const body = { ...namespace, spec: { ...namespace.spec, finalizers } };
    await client.raw("PUT", `/api/v1/namespaces/${name}/finalize`, body, signal).catch((error) => {
      if (!isNotFound(error) && !isConflict(error)) throw error;
      worker.enqueue(name, recheckMs);
    });
  });

  /** Deletes all objects of a kind and tells how many are still there, and what holds them. */
  const empty = async (kind: DiscoveredKind, namespace: string): Promise<Remaining> => {
    const resource = client.of(kind);
    let { items } = await resource.list({ namespace, signal });
    if (items.some(({ metadata }) => !metadata.deletionTimestamp)) {
      if (kind.hasDeleteCollection) {
        await resource.deleteCollection({ namespace, propagationPolicy: "Background", signal });
      } else {
        const deletions = items.map(({ metadata: { name } }) =>
          resource.delete({ name, namespace }, { propagationPolicy: "Background", signal }).catch((error) => {
            if (!isNotFound(error)) throw error;
          }),
        );
        await Promise.all(deletions);
      }
      items = (await resource.list({ namespace, signal })).items;
    }
    const finalizers = items.flatMap(({ metadata }) => metadata.finalizers ?? []);
    return { resource: resourceNameOf(kind), count: items.length, finalizers };
  };

  const report = async (name: string, remaining: readonly Remaining[]): Promise<void> => {
    const counts = remaining.map(({ resource, count }) => `${resource}. has ${count} resource instances`);
    const content = `Some resources are remaining: ${counts.join(", ")}`;
    const held = new Map<string, number>();
    for (const each of remaining.flatMap(({ finalizers }) => finalizers)) held.set(each, (held.get(each) ?? 0) + 1);
    const holders = [...held].map(([holder, count]) => `${holder} in ${count} resource instances`);
    const finalizing = `Some content in the namespace has finalizers remaining: ${holders.join(", ")}`;
    const now = isoTime(context.clock.now());
    const present = namespaces.get({ name })?.status?.conditions ?? [];
    const condition = (type: string, status: "True" | "False", reason: string, message: string) => {
      const before = present.find((other) => other.type === type);
      const since = before?.status === status ? (before.lastTransitionTime ?? now) : now;
      return { type, status, reason, message, lastTransitionTime: since };
    };
    const conditions = [
      condition("NamespaceContentRemaining", "True", "SomeResourcesRemain", content),
      holders.length > 0
        ? condition("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", finalizing)
        : condition(
            "NamespaceFinalizersRemaining",
            "False",
            "ContentHasNoFinalizers",
            "All content-preserving finalizers finished",
          ),
    ];
    if (JSON.stringify(conditions) === JSON.stringify(present)) return;
    const patch = { type: "merge", body: { status: { conditions } } } as const;
    await client.of(Namespace).patch({ name }, patch, { subresource: "status", signal });
  };

  return worker;
}

interface Remaining {
  readonly resource: string;
  readonly count: number;
  readonly finalizers: readonly string[];
}
