import type { ServingConfig } from "../config/serving-config.ts";
import type { Findings } from "./field-error.ts";
import type { Kind } from "./kind.ts";
import type { KubeObject } from "./meta.ts";

export type Operation = "CREATE" | "UPDATE";

/** What defaulting and validation may know beside the object. */
export interface AdmissionContext<T extends KubeObject = KubeObject> {
  readonly config: ServingConfig;
  /** Undefined while a stored object is defaulted to be compared with. */
  readonly operation: Operation | undefined;
  /** The object before the update; undefined unless this is one. */
  readonly old: T | undefined;
  /** "status" while only the status is updated, else empty. */
  readonly subresource: string;
  /** Who asks. */
  readonly userName: string;
}

/** How objects of one kind are defaulted and validated. */
export interface AdmissionKind {
  readonly kind: Kind;
  /** Fills in what the user left out. Changes `object`; doing it again changes nothing. */
  setDefaults(object: KubeObject, context: AdmissionContext): void;
  validate(object: KubeObject, context: AdmissionContext): Findings;
}

/** Declares the admission of a kind with functions that know the kind's type; `decode` has made sure of it. */
export function admissionOf<T extends KubeObject>(
  kind: Kind<T>,
  rules: {
    setDefaults?(object: T, context: AdmissionContext<T>): void;
    validate(object: T, context: AdmissionContext<T>): Findings;
  },
): AdmissionKind {
  return {
    kind: kind as unknown as Kind,
    setDefaults: (object, context) => rules.setDefaults?.(object as T, context as AdmissionContext<T>),
    validate: (object, context) => rules.validate(object as T, context as AdmissionContext<T>),
  };
}

/** Whether only the status is updated: then spec and metadata are what they were. */
export function isStatusUpdate({
  operation,
  subresource,
}: Pick<AdmissionContext, "operation" | "subresource">): boolean {
  return operation === "UPDATE" && subresource === "status";
}
