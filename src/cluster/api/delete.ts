import { isNotFound } from "../../kube/errors.ts";
import { isoTime } from "../../lib/iso-time.ts";
import type { AdmissionAttributes } from "./admission.ts";
import type { Api, Call } from "./call.ts";
import { commit } from "./commit.ts";
import { filterOf } from "./list.ts";
import { atVersion, type Place } from "./place.ts";
import { type Item, type ServedResource, targetOf } from "./resource.ts";
import { badRequest, conflict, invalidOptions, notFound, notSupported } from "./status-errors.ts";
import { type Stored, withObject } from "./storage.ts";
import { cloneJson, isMap } from "./typed-values.ts";
import { isFinished } from "./write.ts";

export interface DeleteOptions {
  readonly dryRun: boolean;
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Foreground" | "Background" | "Orphan";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** Reads delete options from the body and the query; the body wins. */
export function deleteOptionsOf(body: unknown, query: URLSearchParams): DeleteOptions {
  if (body !== undefined && !isMap(body)) throw badRequest("the body of a delete must be DeleteOptions");
  const source = body ?? {};
  const grace = source["gracePeriodSeconds"] ?? numberOf(query.get("gracePeriodSeconds"));
  const orphan =
    source["orphanDependents"] ??
    (query.has("orphanDependents") ? query.get("orphanDependents") === "true" : undefined);
  const policy =
    source["propagationPolicy"] ??
    query.get("propagationPolicy") ??
    (orphan === undefined ? undefined : orphan ? "Orphan" : "Background");
  if (policy !== undefined && policy !== "Foreground" && policy !== "Background" && policy !== "Orphan") {
    const text = `Unsupported value: ${JSON.stringify(policy)}: supported values: "Foreground", "Background", "Orphan", "nil"`;
    throw invalidOptions("DeleteOptions", { field: "propagationPolicy", reason: "FieldValueNotSupported", text });
  }
  const dryRun = [...((source["dryRun"] as string[] | undefined) ?? []), ...query.getAll("dryRun")];
  if (dryRun.some((value) => value !== "All"))
    throw invalidOptions("DeleteOptions", notSupported("dryRun", dryRun, ["All"]));
  const preconditions = source["preconditions"] as DeleteOptions["preconditions"];
  return {
    dryRun: dryRun.length > 0,
    ...(typeof grace === "number" && { gracePeriodSeconds: grace }),
    ...(policy && { propagationPolicy: policy }),
    ...(preconditions && { preconditions }),
  };
}

function numberOf(text: string | null): number | undefined {
  return text === null || !/^-?\d+$/.test(text) ? undefined : Number(text);
}

/**
 * Deletes an object, or marks it as deleted while finalizers or its grace period hold it.
 * Resolves with its last state and whether it is gone. Source: k8s.io/apiserver registry/generic Store.Delete.
 */
export async function remove(
  api: Api,
  call: Call,
  place: Place,
  options: DeleteOptions,
): Promise<{ entry: Stored; gone: boolean }> {
  const { resource, namespace, name } = place;
  const target = targetOf(resource);
  for (;;) {
    const found = api.storage.get(resource.key, namespace, name);
    if (!found) throw notFound(target, name);
    checkPreconditions(resource, found, options);
    const stored = atVersion(resource, found.object as Item);
    const attributes: AdmissionAttributes = {
      operation: "DELETE",
      resource,
      subresource: "",
      namespace,
      name,
      object: undefined,
      oldObject: stored,
      dryRun: options.dryRun,
      options: { kind: "DeleteOptions", apiVersion: "meta.k8s.io/v1", ...withoutDryRun(options) },
      user: call.user,
      call,
    };
    await api.admission.mutate(attributes);
    await api.admission.validate(attributes);
    let gone = false;
    const entry = await commit(api, options, (transaction) => {
      const current = transaction.get(resource.key, namespace, name);
      if (!current) throw notFound(target, name);
      if (current.revision !== found.revision) return undefined;
      const marked = markDeleted(api, resource, cloneJson(current.object) as Item, options);
      gone = marked === undefined || isFinished(resource, marked);
      if (!gone) return transaction.put(resource.key, marked!);
      const removed = transaction.remove(resource.key, namespace, name);
      if (!marked) return removed;
      marked.metadata.resourceVersion = String(removed.revision);
      return withObject(removed, marked);
    });
    if (entry) return { entry, gone };
  }
}

/** Deletes the objects of a kind that the call selects. Resolves with what they were. */
export async function removeCollection(
  api: Api,
  call: Call,
  place: Place,
  options: DeleteOptions,
): Promise<readonly Stored[]> {
  const { resource, namespace } = place;
  const entries = api.storage.list(resource.key, namespace).filter(filterOf(resource, namespace, call.query));
  await Promise.all(
    entries.map((entry) =>
      remove(api, call, { ...place, namespace: entry.namespace, name: entry.name }, options).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      }),
    ),
  );
  return entries;
}

function withoutDryRun({ dryRun, ...options }: DeleteOptions): Record<string, unknown> {
  return { ...options, ...(dryRun && { dryRun: ["All"] }) };
}

function checkPreconditions(resource: ServedResource, entry: Stored, { preconditions }: DeleteOptions): void {
  const { uid, resourceVersion } = entry.object.metadata;
  const fail = (what: string, wanted: string, found: string | undefined) => {
    const why = `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${found}). The object might have been ${what === "UID" ? "deleted and then recreated" : "modified"}`;
    throw conflict({ group: resource.group, resource: resource.kind }, entry.name, why);
  };
  if (preconditions?.uid && preconditions.uid !== uid) fail("UID", preconditions.uid, uid);
  if (preconditions?.resourceVersion && preconditions.resourceVersion !== resourceVersion) {
    fail("ResourceVersion", preconditions.resourceVersion, resourceVersion);
  }
}

/** The object with its deletion noted, or undefined when nothing holds it. */
function markDeleted(api: Api, resource: ServedResource, item: Item, options: DeleteOptions): Item | undefined {
  const { metadata } = item;
  const grace = resource.behaviour.gracePeriodSeconds?.(item, options.gracePeriodSeconds) ?? 0;
  const finalizers = finalizersAfter(metadata.finalizers ?? [], options.propagationPolicy);
  const { deletionFinalizer } = resource.behaviour;
  if (deletionFinalizer && !metadata.deletionTimestamp && !finalizers.includes(deletionFinalizer)) {
    finalizers.push(deletionFinalizer);
  }
  const held = finalizers.length > 0 || isNamespaceInUse(resource, item);
  const graceful = resource.behaviour.gracePeriodSeconds !== undefined;
  if (grace === 0 && !held && !graceful) return undefined;
  if (finalizers.length > 0) metadata.finalizers = finalizers;
  else delete metadata.finalizers;
  const first = metadata.deletionTimestamp === undefined;
  const previousGrace = metadata.deletionGracePeriodSeconds ?? 0;
  if (first || grace < previousGrace) {
    const requestedAt = first ? api.clock.now() : Date.parse(metadata.deletionTimestamp!) - previousGrace * 1000;
    metadata.deletionTimestamp = isoTime(requestedAt + grace * 1000);
    // Namespaces are marked in a way of their own.
    if (resource.key !== "namespaces") metadata.deletionGracePeriodSeconds = grace;
    if (first && metadata.generation) metadata.generation += 1;
  }
  if (resource.key === "namespaces") item.status = { ...item.status, phase: "Terminating" };
  return item;
}

function isNamespaceInUse(resource: ServedResource, item: Item): boolean {
  return resource.key === "namespaces" && ((item.spec?.["finalizers"] as string[] | undefined)?.length ?? 0) > 0;
}

function finalizersAfter(finalizers: readonly string[], policy: DeleteOptions["propagationPolicy"]): string[] {
  if (!policy) return [...finalizers];
  const others = finalizers.filter((name) => name !== "orphan" && name !== "foregroundDeletion");
  if (policy === "Orphan") return [...others, "orphan"];
  return policy === "Foreground" ? [...others, "foregroundDeletion"] : others;
}
