import { atomic, bool, type FromSchema, object, string } from "../schema.ts";

export const objectReferenceSchema = object(
  "Names any object, or a part of one.",
  {
    kind: string("The kind of the object."),
    namespace: string("The object's namespace."),
    name: string("The object's name."),
    uid: string("The object's uid."),
    apiVersion: string("The group and version of the kind."),
    resourceVersion: string("The very version of the object that is meant."),
    fieldPath: string("The part of the object that is meant, such as spec.containers{web}."),
  },
  atomic,
);

export const localObjectReferenceSchema = object(
  "Names an object of a known kind in the same namespace.",
  { name: string("The object's name.") },
  atomic,
);

export const secretReferenceSchema = object(
  "Names a Secret in any namespace.",
  { name: string("The Secret's name."), namespace: string("The Secret's namespace.") },
  atomic,
);

export const typedLocalObjectReferenceSchema = object(
  "Names an object of any kind in the same namespace.",
  {
    apiGroup: string("The group of the kind; empty for the core group."),
    kind: string("The kind of the object."),
    name: string("The object's name."),
  },
  { required: ["kind", "name"], ...atomic },
);

export const configMapKeySelectorSchema = object(
  "One key of a ConfigMap.",
  {
    name: string("The ConfigMap's name."),
    key: string("The key to take."),
    optional: bool("Whether the ConfigMap or the key may be missing."),
  },
  { required: ["key"], ...atomic },
);

export const secretKeySelectorSchema = object(
  "One key of a Secret.",
  {
    name: string("The Secret's name."),
    key: string("The key to take."),
    optional: bool("Whether the Secret or the key may be missing."),
  },
  { required: ["key"], ...atomic },
);

export type ObjectReference = FromSchema<typeof objectReferenceSchema>;
