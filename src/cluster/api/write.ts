import { randomUUID } from "node:crypto";
import type { ObjectMeta } from "../../apis/meta.ts";
import { isoTime } from "../../lib/iso-time.ts";
import type { AdmissionAttributes } from "./admission.ts";
import type { Api, Call, WriteOptions } from "./call.ts";
import { commit } from "./commit.ts";
import { validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { generateName } from "./names.ts";
import { track } from "./ownership.ts";
import { atStorageVersion, atVersion, type Place } from "./place.ts";
import { type Item, type ServedResource, targetOf } from "./resource.ts";
import {
  alreadyExists,
  badRequest,
  conflict,
  invalid,
  invalidValue,
  modifiedMeanwhile,
  notFound,
  statusError,
} from "./status-errors.ts";
import { type Stored, withObject } from "./storage.ts";
import { cloneJson, type Fields, isDeepEqual } from "./typed-values.ts";

const maxAttempts = 6;
const maxNames = 8;

/** Creates an object from a decoded one and resolves with what is stored (or would be, for a dry run). */
export async function create(
  api: Api,
  call: Call,
  place: Place,
  decoded: Item,
  options: WriteOptions,
  tracked = false,
): Promise<Stored> {
  const { resource } = place;
  const target = targetOf(resource);
  let item = decoded;
  const metadata = item.metadata;
  if (resource.namespaced) {
    if (metadata.namespace && metadata.namespace !== place.namespace) {
      throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
    }
    metadata.namespace = place.namespace;
  } else {
    delete metadata.namespace;
  }
  if (metadata.resourceVersion) {
    throw statusError(500, "", "resourceVersion should not be set on objects to be created");
  }
  if (metadata.name && !metadata.generateName && place.name && metadata.name !== place.name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${place.name})`);
  }
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  metadata.uid = randomUUID();
  metadata.creationTimestamp = isoTime(api.clock.now());
  resource.behaviour.setDefaults?.(item);
  if (!tracked) track(api, place, undefined, item, options);
  const attributes = (): AdmissionAttributes => ({
    operation: "CREATE",
    resource,
    subresource: "",
    namespace: place.namespace,
    name: item.metadata.name ?? "",
    object: item,
    oldObject: undefined,
    dryRun: options.dryRun,
    options: optionsObject("CreateOptions", options),
    user: call.user,
    call,
  });
  item = await admit(api, place, item, attributes);
  if (resource.subresources.status) {
    if (resource.custom) delete item.status;
    else item.status = cloneJson(resource.behaviour.emptyStatus ?? {});
  }
  delete item.metadata.generation;
  if (resource.behaviour.countsGenerations) item.metadata.generation = 1;
  resource.behaviour.prepareCreate?.(item);

  const generated = !item.metadata.name && item.metadata.generateName;
  for (let attempt = 1; ; attempt++) {
    if (generated) item.metadata.name = generateName(generated);
    if (attempt === 1) {
      validateItem(place, item, undefined, call);
      await api.admission.validate(attributes());
    }
    const attemptItem = generated ? cloneJson(item) : item;
    const stored = await commit(api, options, (transaction) => {
      if (transaction.get(resource.key, place.namespace, attemptItem.metadata.name)) return undefined;
      resource.behaviour.claim?.(attemptItem, undefined, transaction);
      return transaction.put(resource.key, atStorageVersion(resource, attemptItem));
    });
    if (stored) return options.dryRun ? withoutRevision(stored) : stored;
    if (!generated || attempt >= maxNames) throw alreadyExists(target, item.metadata.name);
  }
}

/** What was never stored has no version. */
function withoutRevision(entry: Stored): Stored {
  const { resourceVersion: _, ...metadata } = entry.object.metadata;
  return withObject(entry, { ...entry.object, metadata });
}

export interface UpdateRequest {
  /** The object to store, from what is stored, which is shared: clone before changing. Runs again after a lost race. */
  readonly make: (stored: Item | undefined) => Item;
  /** Starts over when somebody else was faster: patches do, a PUT that names a resourceVersion does not. */
  readonly retries: boolean;
  /** Makes the object when it is not there. */
  readonly creates: boolean;
  /** An object that does not say what it was read at is refused. */
  readonly needsRevision?: boolean;
  /** `make` has settled managedFields itself. */
  readonly tracked?: boolean;
}

/** Updates (or perhaps creates) an object. Resolves with what is stored, at the storage version, and whether it is new. */
export async function update(
  api: Api,
  call: Call,
  place: Place,
  request: UpdateRequest,
  options: WriteOptions,
): Promise<{ entry: Stored; created: boolean }> {
  const { resource, namespace, name } = place;
  for (let attempt = 1; ; attempt++) {
    const current = api.storage.get(resource.key, namespace, name);
    if (!current) {
      if (!request.creates) throw notFound(targetOf(resource), name);
      const item = request.make(undefined);
      if (item.metadata.uid) {
        throw conflict(targetOf(resource), name, uidMismatch(place, item.metadata.uid, ""));
      }
      return { entry: await create(api, call, place, item, options, request.tracked), created: true };
    }
    const entry = await updateOnce(api, call, place, current, request, options);
    if (entry) return { entry, created: false };
    if (!request.retries || attempt >= maxAttempts) throw modifiedMeanwhile(targetOf(resource), name);
  }
}

/** The real server's words tell of its storage. */
function uidMismatch({ resource, namespace, name }: Place, wanted: string, found: string): string {
  const key = ["/registry", ...(resource.custom ? [resource.group] : []), resource.plural, namespace, name]
    .filter(Boolean)
    .join("/");
  return `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${found}`;
}

async function updateOnce(
  api: Api,
  call: Call,
  place: Place,
  entry: Stored,
  request: UpdateRequest,
  options: WriteOptions,
): Promise<Stored | undefined> {
  const { resource, namespace, name } = place;
  const target = targetOf(resource);
  const stored = atVersion(resource, entry.object as Item);
  let item = request.make(stored);
  const { metadata } = item;
  if (!metadata.name) metadata.name = name;
  if (metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
  if (metadata.namespace && metadata.namespace !== namespace) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }
  if (resource.namespaced) metadata.namespace = namespace;
  if (metadata.uid && metadata.uid !== stored.metadata.uid) {
    throw conflict(target, name, uidMismatch(place, metadata.uid, stored.metadata.uid ?? ""));
  }
  if (!metadata.resourceVersion && request.needsRevision) {
    const error = invalidValue("metadata.resourceVersion", 0, "must be specified for an update");
    throw invalid({ group: resource.group, kind: resource.plural }, name, [error]);
  }
  if (metadata.resourceVersion && metadata.resourceVersion !== stored.metadata.resourceVersion) {
    throw modifiedMeanwhile(target, name);
  }
  keepSystemMetadata(item, stored);
  resource.behaviour.setDefaults?.(item);
  prepare(place, item, stored);
  if (!request.tracked) track(api, place, stored, item, options);
  const attributes = (): AdmissionAttributes => ({
    operation: "UPDATE",
    resource,
    subresource: place.subresource,
    namespace,
    name,
    object: item,
    oldObject: stored,
    dryRun: options.dryRun,
    options: optionsObject(request.tracked ? "PatchOptions" : "UpdateOptions", options),
    user: call.user,
    call,
  });
  item = await admit(api, place, item, attributes);
  keepSystemMetadata(item, stored);
  prepare(place, item, stored);
  if (place.subresource === "") countGeneration(resource, item, stored);
  validateItem(place, item, stored, call);
  await api.admission.validate(attributes());
  return commit(api, options, (transaction) => {
    const current = transaction.get(resource.key, namespace, name);
    if (!current) throw notFound(target, name);
    if (current.revision !== entry.revision) return undefined;
    if (place.subresource === "") resource.behaviour.claim?.(item, stored, transaction);
    if (isFinished(resource, item)) {
      const removed = transaction.remove(resource.key, namespace, name);
      item.metadata.resourceVersion = String(removed.revision);
      return withObject(removed, item);
    }
    item.metadata.resourceVersion = stored.metadata.resourceVersion!;
    const next = atStorageVersion(resource, item);
    if (isDeepEqual(next, current.object)) return current;
    return transaction.put(resource.key, next);
  });
}

/** An object that somebody deleted goes once its finalizers are gone and its grace period is over. */
export function isFinished(resource: ServedResource, item: Item): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = item.metadata;
  if (!deletionTimestamp || (finalizers?.length ?? 0) > 0) return false;
  if (resource.key === "namespaces" && ((item.spec?.["finalizers"] as string[] | undefined)?.length ?? 0) > 0)
    return false;
  return (deletionGracePeriodSeconds ?? 0) === 0;
}

function keepSystemMetadata(item: Item, stored: Item): void {
  const kept = [
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "generateName",
  ] as const;
  for (const name of kept) {
    if (stored.metadata[name] === undefined) delete item.metadata[name];
    else Object.assign(item.metadata, { [name]: stored.metadata[name] });
  }
}

/** Takes each half of an object from the side that this door lets the client write. */
function prepare({ resource, subresource }: Place, item: Item, stored: Item): void {
  const copy = (from: Item, to: Item, field: string) => {
    if (from[field] === undefined) delete to[field];
    else to[field] = from[field];
  };
  if (subresource === "binding") return;
  if (subresource === "status") {
    const { annotations, managedFields, resourceVersion, finalizers } = item.metadata;
    item.metadata = { ...stored.metadata };
    const written = resource.custom ? { managedFields } : { managedFields, annotations, finalizers };
    for (const [name, value] of Object.entries({ ...written, resourceVersion })) {
      if (value === undefined) delete item.metadata[name as keyof ObjectMeta];
      else Object.assign(item.metadata, { [name]: value });
    }
    for (const field of new Set([...Object.keys(stored), ...Object.keys(item)])) {
      if (field !== "metadata" && field !== "status") copy(stored, item, field);
    }
    return;
  }
  if (resource.subresources.status) copy(stored, item, "status");
  resource.behaviour.prepareUpdate?.(item, stored);
}

function countGeneration(resource: ServedResource, item: Item, stored: Item): void {
  if (!resource.behaviour.countsGenerations) return;
  const desired = ({ metadata: _, status: __, apiVersion: ___, ...rest }: Item) => rest;
  const changed = !isDeepEqual(desired(item), desired(stored));
  item.metadata.generation = (stored.metadata.generation ?? 0) + (changed ? 1 : 0);
}

/** Runs the mutating half of admission. What it changes belongs to no field manager. */
async function admit(api: Api, { resource }: Place, item: Item, attributes: () => AdmissionAttributes): Promise<Item> {
  const admitted = (await api.admission.mutate(attributes())) ?? item;
  if (isDeepEqual(item, admitted)) return item;
  const decoded = resource.decode(admitted as unknown as Fields, { unknown: [], mistyped: [] });
  resource.behaviour.setDefaults?.(decoded);
  return decoded;
}

function validateItem({ resource, subresource }: Place, item: Item, stored: Item | undefined, call: Call): void {
  const { behaviour } = resource;
  const isStatus = subresource === "status" && !resource.custom;
  const errors = [
    ...validateMetadata(item.metadata, resource.namespaced, behaviour.nameRule),
    ...(stored ? validateMetadataUpdate(item.metadata, stored.metadata) : []),
    ...((isStatus ? behaviour.validateStatus?.(item) : behaviour.validate?.(item, stored)) ?? []),
  ];
  if (errors.length > 0) throw invalid(resource, item.metadata.name ?? "", errors);
  for (const text of behaviour.warnings?.(item) ?? []) call.warn(text);
}

function optionsObject(kind: string, options: WriteOptions): Record<string, unknown> {
  return {
    kind,
    apiVersion: "meta.k8s.io/v1",
    ...(options.dryRun && { dryRun: ["All"] }),
    ...(options.fieldManager && { fieldManager: options.fieldManager }),
    ...(options.fieldValidation !== "Warn" && { fieldValidation: options.fieldValidation }),
  };
}
