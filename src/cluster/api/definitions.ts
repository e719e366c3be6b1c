import type { CustomResourceDefinition } from "../../apis/core/customresourcedefinition.ts";
import { isoTime } from "../../lib/iso-time.ts";
import type { Api, Call } from "./call.ts";
import { serveDefinition } from "./custom-resources.ts";
import { remove } from "./delete.ts";
import { type Item, resourceKey } from "./resource.ts";
import type { Change, Transaction } from "./storage.ts";
import { cloneJson } from "./typed-values.ts";
import { isFinished } from "./write.ts";

const definitionsKey = "apiextensions.k8s.io/customresourcedefinitions";
export const cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

type Condition = NonNullable<NonNullable<CustomResourceDefinition["status"]>["conditions"]>[number];

/**
 * Serves what the stored CustomResourceDefinitions say, from now on: registers their kinds, reports it in their
 * status, and empties a deleted definition of its objects before it goes. Returns the way to stop.
 */
export function followDefinitions(api: Api): () => void {
  const stopping = new AbortController();
  const call: Call = {
    user: { username: "system:apiserver", groups: ["system:masters"] },
    query: new URLSearchParams(),
    userAgent: "apiserver",
    signal: stopping.signal,
    warn() {},
  };
  const follow = (definition: CustomResourceDefinition, gone: boolean) => {
    const { name } = definition.metadata;
    api.registry.set(name, gone ? [] : serveDefinition(definition));
    if (gone) return;
    const work = definition.metadata.deletionTimestamp ? empty(api, call, definition) : establish(api, definition);
    work.catch((error: unknown) => {
      if (!stopping.signal.aborted)
        api.log.error("a custom resource definition could not be followed", { error, name });
    });
  };
  for (const { object } of api.storage.list(definitionsKey)) follow(object as CustomResourceDefinition, false);
  const stop = api.storage.onChange(({ type, entry }: Change) => {
    if (entry.resource === definitionsKey) {
      follow(entry.object as CustomResourceDefinition, type === "DELETED");
      return;
    }
    if (type !== "DELETED") return;
    // The last object of a deleted definition has gone: the definition may go too.
    const resource = api.registry.stored(entry.resource);
    if (!resource?.custom || api.storage.list(entry.resource).length > 0) return;
    const stored = api.storage.get(definitionsKey, "", `${resource.plural}.${resource.group}`);
    if (stored?.object.metadata.deletionTimestamp) follow(stored.object as CustomResourceDefinition, false);
  });
  return () => {
    stopping.abort();
    stop();
  };
}

/** Writes the definition's conditions, accepted names and stored versions, where they are not there yet. */
async function establish(api: Api, { metadata }: CustomResourceDefinition): Promise<void> {
  await api.storage.write((transaction) => {
    const definition = readDefinition(transaction, metadata.name);
    if (!definition || definition.metadata.deletionTimestamp) return;
    const { names, versions, group } = definition.spec;
    const rival = api.registry.byKind(group, names.kind);
    const accepted = !rival?.custom || rival.plural === names.plural;
    const at = isoTime(api.clock.now());
    const conditions: Condition[] = [
      accepted
        ? {
            type: "NamesAccepted",
            status: "True",
            lastTransitionTime: at,
            reason: "NoConflicts",
            message: "no conflicts found",
          }
        : {
            type: "NamesAccepted",
            status: "False",
            lastTransitionTime: at,
            reason: "KindConflict",
            message: `"${names.kind}" is already in use`,
          },
      accepted
        ? {
            type: "Established",
            status: "True",
            lastTransitionTime: at,
            reason: "InitialNamesAccepted",
            message: "the initial names have been accepted",
          }
        : {
            type: "Established",
            status: "False",
            lastTransitionTime: at,
            reason: "NotAccepted",
            message: "not all names are accepted",
          },
    ];
    const current = definition.status?.conditions ?? [];
    const storage = versions.find((version) => version.storage)?.name ?? "";
    const storedVersions = definition.status?.storedVersions ?? [];
    const acceptedNames = {
      ...names,
      singular: names.singular || names.kind.toLowerCase(),
      listKind: names.listKind || `${names.kind}List`,
    };
    const settled = conditions.every(({ type, status }) =>
      current.some((other) => other.type === type && other.status === status),
    );
    const sameNames = JSON.stringify(definition.status?.acceptedNames) === JSON.stringify(acceptedNames);
    if (settled && sameNames && storedVersions.includes(storage)) return;
    definition.status = {
      ...definition.status,
      conditions: settled ? current : conditions,
      acceptedNames,
      storedVersions: storedVersions.includes(storage) ? storedVersions : [...storedVersions, storage],
    };
    transaction.put(definitionsKey, definition);
  });
}

/** Deletes the objects of a deleted definition; once none is left, lets the definition go. */
async function empty(api: Api, call: Call, { metadata, spec }: CustomResourceDefinition): Promise<void> {
  const key = resourceKey(spec.group, spec.names.plural);
  const resource = api.registry.stored(key);
  for (const { namespace, name, object } of api.storage.list(key)) {
    if (!resource || object.metadata.deletionTimestamp) continue;
    await remove(api, call, { resource, namespace, name, subresource: "" }, { dryRun: false });
  }
  if (api.storage.list(key).length > 0) return;
  const definitions = api.registry.stored(definitionsKey)!;
  await api.storage.write((transaction) => {
    const definition = readDefinition(transaction, metadata.name);
    if (!definition?.metadata.deletionTimestamp) return;
    const finalizers = (definition.metadata.finalizers ?? []).filter((finalizer) => finalizer !== cleanupFinalizer);
    if (finalizers.length === (definition.metadata.finalizers ?? []).length) return;
    if (finalizers.length > 0) definition.metadata.finalizers = finalizers;
    else delete definition.metadata.finalizers;
    if (isFinished(definitions, definition as unknown as Item)) transaction.remove(definitionsKey, "", metadata.name);
    else transaction.put(definitionsKey, definition);
  });
}

function readDefinition(transaction: Transaction, name: string): CustomResourceDefinition | undefined {
  const entry = transaction.get(definitionsKey, "", name);
  return entry && (cloneJson(entry.object) as CustomResourceDefinition);
}
