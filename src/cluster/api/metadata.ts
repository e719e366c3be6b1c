import type { ObjectMeta } from "../../apis/meta.ts";
import { labelValueProblems, qualifiedNameProblems } from "../../lib/kube-names.ts";
import { dnsSubdomain, type NameRule } from "./names.ts";
import { duplicate, type FieldError, forbiddenField, invalidValue, required } from "./status-errors.ts";

const maxAnnotationBytes = 262_144;

/** The rules of object metadata. Source: k8s.io/apimachinery api/validation ValidateObjectMeta. */
export function validateMetadata(
  metadata: ObjectMeta,
  namespaced: boolean,
  nameRule: NameRule = dnsSubdomain,
): FieldError[] {
  const errors: FieldError[] = [];
  if (metadata.generateName) {
    // The last character is replaced for the check, so that a prefix may end in a dash.
    const problem = nameRule(metadata.generateName.replace(/-$/, "a"));
    if (problem) errors.push(invalidValue("metadata.generateName", metadata.generateName, problem));
  }
  if (!metadata.name) errors.push(required("metadata.name", "name or generateName is required"));
  else {
    const problem = nameRule(metadata.name);
    if (problem) errors.push(invalidValue("metadata.name", metadata.name, problem));
  }
  if (namespaced && !metadata.namespace) errors.push(required("metadata.namespace"));
  if (!namespaced && metadata.namespace) {
    errors.push(forbiddenField("metadata.namespace", "not allowed on this type"));
  }
  return [
    ...errors,
    ...validateLabels(metadata.labels, "metadata.labels"),
    ...validateAnnotations(metadata.annotations, "metadata.annotations"),
    ...validateOwners(metadata),
    ...validateFinalizers(metadata.finalizers ?? []),
  ];
}

export function validateLabels(labels: Readonly<Record<string, string>> | undefined, field: string): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...qualifiedNameProblems(key).map((problem) => invalidValue(field, key, problem)),
    ...labelValueProblems(value).map((problem) => invalidValue(field, value, problem)),
  ]);
}

export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const problem of qualifiedNameProblems(key.toLowerCase())) errors.push(invalidValue(field, key, problem));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > maxAnnotationBytes) {
    errors.push({
      field,
      reason: "FieldValueTooLong",
      text: `Too long: may not be more than ${maxAnnotationBytes} bytes`,
    });
  }
  return errors;
}

function validateOwners(metadata: ObjectMeta): FieldError[] {
  const field = "metadata.ownerReferences";
  const errors: FieldError[] = [];
  const controllers = (metadata.ownerReferences ?? [])
    .filter(({ controller }) => controller)
    .map(({ kind, name }) => `${kind}/${name}`);
  for (const owner of metadata.ownerReferences ?? []) {
    if (!owner.apiVersion) errors.push(invalidValue(`${field}.apiVersion`, "", "version must not be empty"));
    if (!owner.kind) errors.push(invalidValue(`${field}.kind`, owner.kind ?? "", "must not be empty"));
    if (!owner.name) errors.push(invalidValue(`${field}.name`, owner.name ?? "", "must not be empty"));
    if (!owner.uid) errors.push(invalidValue(`${field}.uid`, owner.uid ?? "", "must not be empty"));
  }
  if (controllers.length > 1) {
    errors.push(
      invalidValue(
        field,
        metadata.ownerReferences,
        `Only one reference can have Controller set to true. Found "true" in references for ${controllers[0]} and ${controllers[1]}`,
      ),
    );
  }
  return errors;
}

const plainFinalizers = new Set(["orphan", "foregroundDeletion", "kubernetes"]);

function validateFinalizers(finalizers: readonly string[]): FieldError[] {
  const field = "metadata.finalizers";
  const errors = finalizers.flatMap((name, index) =>
    qualifiedNameProblems(name).map((problem) => invalidValue(`${field}[${index}]`, name, problem)),
  );
  for (const [index, name] of finalizers.entries()) {
    if (!name.includes("/") && !plainFinalizers.has(name) && !name.includes(".")) {
      errors.push(
        invalidValue(`${field}[${index}]`, name, "name is neither a standard finalizer name nor is it fully qualified"),
      );
    }
  }
  if (finalizers.includes("orphan") && finalizers.includes("foregroundDeletion")) {
    errors.push(invalidValue(field, finalizers, "finalizer orphan and foregroundDeletion cannot be both set"));
  }
  return errors;
}

/** What an update must not change. Source: ValidateObjectMetaUpdate. */
export function validateMetadataUpdate(metadata: ObjectMeta, stored: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  const immutable = (name: "name" | "namespace" | "uid" | "creationTimestamp") => {
    if (metadata[name] !== stored[name]) {
      errors.push(invalidValue(`metadata.${name}`, metadata[name] ?? "", "field is immutable"));
    }
  };
  for (const name of ["name", "namespace", "uid", "creationTimestamp"] as const) immutable(name);
  if (stored.deletionTimestamp) {
    const added = (metadata.finalizers ?? []).filter((name) => !stored.finalizers?.includes(name));
    if (added.length > 0) {
      errors.push(
        forbiddenField(
          "metadata.finalizers",
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => JSON.stringify(name)).join(", ")}}`,
        ),
      );
    }
  }
  return errors;
}

/** Reports elements of a list that share a name. */
export function duplicatesIn(names: readonly (string | undefined)[], fieldOf: (index: number) => string): FieldError[] {
  const seen = new Set<string>();
  return names.flatMap((name, index) => {
    if (name === undefined || name === "") return [];
    if (seen.has(name)) return [duplicate(fieldOf(index), name)];
    seen.add(name);
    return [];
  });
}
