import {
  anyObject,
  atomic,
  atomicList,
  bool,
  type FromSchema,
  int64,
  list,
  mergedBy,
  object,
  string,
  stringMap,
  strings,
  time,
  words,
} from "./schema.ts";

const ownerReferenceSchema = object(
  "An object that this one belongs to: when all owners are gone, this one is deleted.",
  {
    apiVersion: string("The owner's group and version."),
    kind: string("The owner's kind."),
    name: string("The owner's name."),
    uid: string("The owner's uid; a namesake made later is not the owner."),
    controller: bool("Whether this owner manages the object. At most one owner does."),
    blockOwnerDeletion: bool("Whether a foreground deletion of the owner waits for this object."),
  },
  { required: ["apiVersion", "kind", "name", "uid"], ...atomic },
);

const managedFieldsEntrySchema = object("The fields that one manager set last.", {
  manager: string("The name of the program or person."),
  operation: string("How the fields were set: Apply or Update."),
  apiVersion: string("The version that fieldsV1 speaks of."),
  time: time("When the manager last changed the set."),
  fieldsType: string("The format of fieldsV1: FieldsV1."),
  fieldsV1: anyObject("The set of fields, as a tree of paths."),
  subresource: string("The subresource through which the fields were set; empty for the object itself."),
});

/** kubectl's own memory of what was applied. */
export const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

/** The schema of `metadata` of every kind. */
export const objectMetaSchema = object("What every object has: its name, labels, owners and history.", {
  name: string("The name, unique among objects of this kind in the namespace. Cannot be changed."),
  generateName: string("A prefix: when name is empty, the server makes a unique name from it."),
  namespace: string("The namespace that the object lives in. Cannot be changed."),
  selfLink: string("No longer used."),
  uid: string("Unique in time and space; set by the server."),
  resourceVersion: string("Changes with every write. Opaque: compare for equality only."),
  generation: int64("Counts the changes of the desired state; set by the server.", "dropped"),
  creationTimestamp: time("When the object was created; set by the server."),
  deletionTimestamp: time("When the object was, or will be, deleted; set by the server."),
  deletionGracePeriodSeconds: int64("How many seconds the object has to end gracefully once it is deleted."),
  labels: stringMap("Names and values by which objects are selected."),
  annotations: stringMap("Names and values for tools; not used to select objects."),
  ownerReferences: list("The objects that this one belongs to.", ownerReferenceSchema, mergedBy("uid")),
  finalizers: strings("Who still has to act before a deleted object goes away.", {
    "x-kubernetes-list-type": "set",
    "x-kubernetes-patch-strategy": "merge",
  }),
  managedFields: list("Who set which fields; kept by the server.", managedFieldsEntrySchema),
});

/** The parts of Kubernetes' object model that every kind shares (meta/v1). */
export type ObjectMeta = FromSchema<typeof objectMetaSchema> & { name: string };
export type OwnerReference = FromSchema<typeof ownerReferenceSchema>;
export type ManagedFieldsEntry = FromSchema<typeof managedFieldsEntrySchema>;

/** The schema of a label selector. */
export const labelSelectorSchema = object(
  "Which objects are meant, by their labels. An empty selector means all, an absent one none.",
  {
    matchLabels: stringMap("Labels that an object must have with these values."),
    matchExpressions: list(
      "Conditions that must all hold.",
      object(
        "A condition on one label.",
        {
          key: string("The label's name."),
          operator: words("How the label relates to the values.", ["In", "NotIn", "Exists", "DoesNotExist"]),
          values: strings("The values; none for Exists and DoesNotExist.", atomicList),
        },
        { required: ["key", "operator"] },
      ),
      atomicList,
    ),
  },
  atomic,
);

/** Which objects a list or watch returns, by label. An empty selector selects all. */
export type LabelSelector = FromSchema<typeof labelSelectorSchema>;

/** Any object of the API. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** One page of a list. `items` of built-in kinds arrive without apiVersion and kind; our client adds them. */
export interface KubeList<T extends KubeObject> {
  apiVersion: string;
  kind: string;
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: T[];
}

/** The body of an API error (meta/v1 Status). */
export interface Status {
  apiVersion: "v1";
  kind: "Status";
  metadata: Record<string, unknown>;
  status: "Success" | "Failure";
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code?: number;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: { reason?: string; message?: string; field?: string }[];
  retryAfterSeconds?: number;
}

/** "namespace/name", or "name" for a cluster-scoped object: the key of work queues and caches. */
export function keyOf(object: { metadata: Pick<ObjectMeta, "name" | "namespace"> }): string {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name}` : name;
}

/** Splits a key made by keyOf. */
export function splitKey(key: string): { namespace?: string; name: string } {
  const slash = key.indexOf("/");
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The owner reference that marks `owner` as the controller of a child. */
export function controllerReference(owner: KubeObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? "",
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The reference to the controller of `object`, if it has one. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller);
}

/** Whether `owner` controls `object`: by uid, so that a namesake made later does not count. */
export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  const reference = controllerOf(object);
  return reference !== undefined && reference.uid === owner.metadata.uid;
}
