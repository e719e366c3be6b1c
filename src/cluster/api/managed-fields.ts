import { type KubeObject, lastAppliedAnnotation, type ManagedFieldsEntry } from "../../apis/meta.ts";
import type { Schema } from "../../apis/schema.ts";
import type { ApiError } from "../../kube/errors.ts";
import {
  contains,
  differenceOf,
  type FieldSet,
  type FieldsV1,
  fromFieldsV1,
  insertPath,
  intersectionOf,
  isEmptySet,
  makeFieldSet,
  overlaps,
  pathsOf,
  printPath,
  toFieldsV1,
  unionOf,
  withoutSubtrees,
} from "./field-set.ts";
import { badRequest, statusError } from "./status-errors.ts";
import {
  compareTyped,
  fieldSetOf,
  isDeepEqual,
  isMap,
  mergeTyped,
  removeFields,
  withNamedFields,
} from "./typed-values.ts";

/** Who writes, and through which door. */
export interface Manager {
  readonly name: string;
  readonly apiVersion: string;
  readonly subresource: string;
}

export interface FieldOwnership {
  readonly schema: Schema;
  /** Paths that this door (main resource or status) never changes, so nobody gets to own them through it. */
  readonly resetFields: FieldSet;
  /** An object of the kind in which nothing is set: what a new one is compared with. */
  readonly blank: unknown;
  /** RFC 3339, whole seconds. */
  readonly now: string;
}

type OwnerEntry = Omit<ManagedFieldsEntry, "fieldsV1" | "manager" | "operation"> & {
  manager: string;
  operation: string;
};

interface Owned {
  readonly entry: OwnerEntry;
  readonly fields: FieldSet;
}

/** As it is stored: most owners keep what they have, and need not be taken apart for that. */
interface WrittenOwner {
  readonly entry: OwnerEntry;
  readonly fields: FieldsV1;
}

const maxUpdateManagers = 10;

/** Never tracked: identity and what the server alone writes. */
const stripped = makeFieldSet();
for (const path of [["f:apiVersion"], ["f:kind"], ["f:metadata"]]) insertPath(stripped, path);
for (const name of [
  "name",
  "namespace",
  "creationTimestamp",
  "selfLink",
  "uid",
  "generation",
  "managedFields",
  "resourceVersion",
]) {
  insertPath(stripped, ["f:metadata", `f:${name}`]);
}

/** The set of whole fields such as `["status"]`, for FieldOwnership.resetFields. */
export function topLevelFields(...paths: readonly (readonly string[])[]): FieldSet {
  const set = makeFieldSet();
  for (const path of paths)
    insertPath(
      set,
      path.map((name) => `f:${name}`),
    );
  return set;
}

const keyOfEntry = (entry: Pick<ManagedFieldsEntry, "manager" | "operation" | "apiVersion" | "subresource">) =>
  JSON.stringify([
    entry.operation,
    entry.manager,
    entry.operation === "Update" ? entry.apiVersion : "",
    entry.subresource ?? "",
  ]);

function readOwners(object: KubeObject | undefined): Map<string, WrittenOwner> {
  const owners = new Map<string, WrittenOwner>();
  for (const { fieldsV1, ...entry } of object?.metadata.managedFields ?? []) {
    const owner = { ...entry, manager: entry.manager ?? "unknown", operation: entry.operation ?? "Update" };
    owners.set(keyOfEntry(owner), { entry: owner, fields: fieldsV1 ?? {} });
  }
  return owners;
}

function decode(object: KubeObject | undefined): Map<string, Owned> {
  const owners = [...readOwners(object)];
  return new Map(owners.map(([key, { entry, fields }]) => [key, { entry, fields: fromFieldsV1(fields) }]));
}

function encode(owners: Map<string, Owned>): ManagedFieldsEntry[] {
  return writeOwners([...owners.values()].map(({ entry, fields }) => ({ entry, fields: toFieldsV1(fields) })));
}

/** Appliers first, then by time and name, as the real server orders them. */
function writeOwners(owners: readonly WrittenOwner[]): ManagedFieldsEntry[] {
  return owners
    .filter(({ fields }) => Object.keys(fields).length > 0)
    .map(({ entry, fields }) => ({
      manager: entry.manager,
      operation: entry.operation,
      ...(entry.apiVersion && { apiVersion: entry.apiVersion }),
      ...(entry.time && { time: entry.time }),
      fieldsType: "FieldsV1" as const,
      fieldsV1: fields,
      ...(entry.subresource && { subresource: entry.subresource }),
    }))
    .sort((a, b) => {
      if (a.operation !== b.operation) return a.operation === "Apply" ? -1 : 1;
      const [at, bt] = [a.time ?? "", b.time ?? ""];
      if (at !== bt) return at < bt ? -1 : 1;
      if (a.manager !== b.manager) return a.manager! < b.manager! ? -1 : 1;
      return (a.subresource ?? "") < (b.subresource ?? "") ? -1 : 1;
    });
}

function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata } as T;
}

/**
 * Records what an update (create, put, patch) changed: the writer owns what it added or changed, everybody loses what
 * was changed by somebody else or removed. Returns the managedFields of `after`.
 */
export function trackUpdate(
  before: KubeObject | undefined,
  after: KubeObject,
  manager: Manager,
  context: FieldOwnership,
): ManagedFieldsEntry[] | undefined {
  // Sending an empty list resets ownership; an absent one means "as it was".
  const given = after.metadata.managedFields;
  const reset = given !== undefined && given.length === 0 && before !== undefined;
  if (reset) return undefined;
  const owners = given?.length ? canonical(readOwners(after)) : readOwners(before);
  if (before && owners.size === 0) return undefined;
  const live: unknown = before ? withoutManagedFields(before) : context.blank;
  const comparison = compareTyped(live, withoutManagedFields(after), context.schema);
  const keep = (set: FieldSet) => withoutSubtrees(set, context.resetFields);
  const [added, modified, removed] = [keep(comparison.added), keep(comparison.modified), keep(comparison.removed)];
  const touched = unionOf(added, modified);
  const entry = makeEntry("Update", manager, context.now);
  const own = keyOfEntry(entry);
  for (const [key, owned] of owners) {
    if (key === own) continue;
    if (!overlaps(owned.fields, touched) && !overlaps(owned.fields, removed)) continue;
    const rest = differenceOf(differenceOf(fromFieldsV1(owned.fields), touched), removed);
    owners.set(key, { ...owned, fields: toFieldsV1(rest) });
  }
  const previous = owners.get(own);
  const claimed = differenceOf(touched, stripped);
  const keeps =
    previous &&
    !overlaps(previous.fields, removed) &&
    !overlaps(previous.fields, stripped) &&
    contains(previous.fields, claimed);
  const kept = () => differenceOf(differenceOf(fromFieldsV1(previous?.fields ?? {}), removed), stripped);
  const fields = keeps ? previous.fields : toFieldsV1(unionOf(kept(), claimed));
  owners.set(own, { entry: keeps && isEmptySet(claimed) ? previous.entry : entry, fields });
  capUpdaters(owners);
  return writeOwners([...owners.values()]);
}

/** What a client sends may be in any order. */
function canonical(owners: Map<string, WrittenOwner>): Map<string, WrittenOwner> {
  for (const [key, { entry, fields }] of owners) owners.set(key, { entry, fields: toFieldsV1(fromFieldsV1(fields)) });
  return owners;
}

function makeEntry(operation: "Apply" | "Update", manager: Manager, time: string): OwnerEntry {
  return {
    manager: manager.name || "unknown",
    operation,
    apiVersion: manager.apiVersion,
    time,
    fieldsType: "FieldsV1",
    ...(manager.subresource && { subresource: manager.subresource }),
  };
}

/** Merges the oldest updaters into one entry once there are too many. */
function capUpdaters(owners: Map<string, WrittenOwner>): void {
  if (owners.size <= maxUpdateManagers) return;
  const updaters = [...owners]
    .filter(([, { entry, fields }]) => entry.operation === "Update" && Object.keys(fields).length > 0)
    .sort(([, a], [, b]) => ((a.entry.time ?? "") < (b.entry.time ?? "") ? -1 : 1));
  const excess = updaters.length - maxUpdateManagers;
  if (excess <= 0) return;
  for (const [key, owned] of updaters.slice(0, excess + 1)) {
    owners.delete(key);
    const entry = { ...owned.entry, manager: "ancient-changes" };
    delete entry.subresource;
    const bucket = owners.get(keyOfEntry(entry));
    const both = () => toFieldsV1(unionOf(fromFieldsV1(bucket!.fields), fromFieldsV1(owned.fields)));
    owners.set(keyOfEntry(entry), { entry, fields: bucket ? both() : owned.fields });
  }
}

/**
 * Server-side apply: merges `applied` into `live`, drops what this manager applied before and leaves out now (unless
 * somebody else owns it), and records ownership. Throws 409 with one cause per field that others own, unless forced.
 */
export function applyConfiguration(
  live: KubeObject | undefined,
  applied: KubeObject,
  manager: Manager,
  force: boolean,
  context: FieldOwnership,
): KubeObject {
  if (applied.metadata.managedFields) throw badRequest("metadata.managedFields must be nil");
  const { schema } = context;
  const owners = decode(live);
  if (live && owners.size === 0) {
    const entry: OwnerEntry = { ...makeEntry("Update", manager, context.now), manager: "before-first-apply" };
    const fields = differenceOf(compareTyped(context.blank, withoutManagedFields(live), schema).added, stripped);
    owners.set(keyOfEntry(entry), { entry, fields });
  }
  const base = live ? withoutManagedFields(live) : { apiVersion: applied.apiVersion, kind: applied.kind, metadata: {} };
  const entry = makeEntry("Apply", manager, context.now);
  const own = keyOfEntry(entry);
  const last = owners.get(own);
  const applyingSet = withoutSubtrees(fieldSetOf(applied, schema), context.resetFields);
  owners.set(own, { entry, fields: applyingSet });
  const merged = mergeTyped(base, applied, schema) as KubeObject;
  const result = last && !isEmptySet(last.fields) ? prune(merged, last.fields, owners, schema) : merged;

  const comparison = compareTyped(base, result, schema);
  const changed = withoutSubtrees(unionOf(comparison.modified, comparison.added), context.resetFields);
  const conflicts: { manager: OwnerEntry; fields: FieldSet }[] = [];
  for (const [key, owned] of owners) {
    if (key === own) continue;
    const contested = intersectionOf(owned.fields, changed);
    if (!isEmptySet(contested)) conflicts.push({ manager: owned.entry, fields: contested });
    owners.set(key, { ...owned, fields: differenceOf(differenceOf(owned.fields, contested), comparison.removed) });
  }
  if (!force && conflicts.length > 0) throw applyConflict(conflicts);

  const fields = differenceOf(applyingSet, stripped);
  // The time is that of the last change of a value: who only comes to own some has none.
  const changedAt = isDeepEqual(base, result) ? last?.entry.time : context.now;
  const { time: _, ...undated } = entry;
  owners.set(own, { entry: changedAt ? { ...entry, time: changedAt } : undated, fields });
  const annotations = result.metadata.annotations;
  if (manager.name === "kubectl" && annotations?.[lastAppliedAnnotation]) {
    const { [lastAppliedAnnotation]: _, ...others } = applied.metadata.annotations ?? {};
    const metadata = { ...applied.metadata, ...(applied.metadata.annotations && { annotations: others }) };
    annotations[lastAppliedAnnotation] = `${JSON.stringify({ ...applied, metadata })}\n`;
  }
  const managedFields = encode(owners);
  return { ...result, metadata: { ...result.metadata, ...(managedFields.length > 0 && { managedFields }) } };
}

function prune(merged: KubeObject, last: FieldSet, owners: Map<string, Owned>, schema: Schema): KubeObject {
  const filled = (set: FieldSet) => withNamedFields(set, schema);
  const lastFilled = filled(last);
  const mergedFilled = filled(fieldSetOf(merged, schema));
  let pruned = removeFields(merged, lastFilled, schema) ?? {};
  let managed = makeFieldSet();
  for (const { fields } of owners.values()) managed = unionOf(managed, fields);
  const kept = unionOf(filled(fieldSetOf(pruned, schema)), filled(managed));
  pruned = removeFields(merged, differenceOf(mergedFilled, kept), schema) ?? {};
  const dangling = differenceOf(mergedFilled, filled(fieldSetOf(pruned, schema)));
  const result = removeFields(merged, intersectionOf(dangling, lastFilled), schema);
  return (isMap(result) ? result : {}) as unknown as KubeObject;
}

function applyConflict(conflicts: readonly { manager: OwnerEntry; fields: FieldSet }[]): ApiError {
  const lines = conflicts
    .flatMap(({ manager, fields }) =>
      pathsOf(fields).map((path) => ({ who: printManager(manager), path: printPath(path) })),
    )
    .sort((a, b) => (a.who < b.who ? -1 : a.who > b.who ? 1 : 0));
  const byManager = Map.groupBy(lines, (line) => line.who);
  const text =
    lines.length === 1
      ? `Apply failed with 1 conflict: conflict with ${lines[0]!.who}: ${lines[0]!.path}`
      : `Apply failed with ${lines.length} conflicts: ${[...byManager]
          .flatMap(([who, own]) => [`conflicts with ${who}:`, ...own.map((line) => `- ${line.path}`)])
          .join("\n")}`;
  return statusError(409, "Conflict", text, {
    causes: lines.map(({ who, path }) => ({
      reason: "FieldManagerConflict",
      message: `conflict with ${who}`,
      field: path,
    })),
  });
}

function printManager(entry: OwnerEntry): string {
  const name = `${JSON.stringify(entry.manager)}${entry.subresource ? ` with subresource ${JSON.stringify(entry.subresource)}` : ""}`;
  if (entry.operation === "Apply") return name;
  return `${name} using ${entry.apiVersion}`;
}
