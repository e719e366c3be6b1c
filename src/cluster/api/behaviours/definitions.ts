import type { CustomResourceDefinition } from "../../../apis/core/customresourcedefinition.ts";
import { cleanupFinalizer } from "../definitions.ts";
import type { Behaviour, Item } from "../resource.ts";
import { type FieldError, forbiddenField, invalidValue, required } from "../status-errors.ts";
import { isMap } from "../typed-values.ts";

/** CustomResourceDefinition. Source: k8s.io/apiextensions-apiserver apis/apiextensions/{v1/defaults,validation}. */
export const customResourceDefinition: Behaviour = {
  countsGenerations: true,
  needsRevision: true,
  deletionFinalizer: cleanupFinalizer,
  setDefaults(item) {
    const { spec } = item as unknown as CustomResourceDefinition;
    if (!isMap(spec) || !isMap(spec.names)) return;
    const { names } = spec;
    if (names.kind) {
      names.singular ||= names.kind.toLowerCase();
      names.listKind ||= `${names.kind}List`;
    }
    spec.conversion ??= { strategy: "None" };
  },
  validate: validateDefinition,
  warnings: ({ spec }) =>
    JSON.stringify(spec ?? {}).includes('"x-kubernetes-validations"')
      ? ["the embedded cluster does not evaluate x-kubernetes-validations"]
      : [],
};

function validateDefinition(item: Item, stored: Item | undefined): FieldError[] {
  const { metadata, spec } = item as unknown as CustomResourceDefinition;
  if (!isMap(spec)) return [required("spec.group"), required("spec.scope"), required("spec.versions")];
  const errors: FieldError[] = [];
  const { names, group, versions = [] } = spec;
  if (!group) errors.push(required("spec.group"));
  if (!names?.plural) errors.push(required("spec.names.plural"));
  if (!names?.kind) errors.push(required("spec.names.kind"));
  if (group && names?.plural && metadata.name !== `${names.plural}.${group}`) {
    errors.push(invalidValue("metadata.name", metadata.name, 'must be spec.names.plural+"."+spec.group'));
  }
  if (spec.scope !== "Namespaced" && spec.scope !== "Cluster") {
    errors.push(
      spec.scope
        ? {
            field: "spec.scope",
            reason: "FieldValueNotSupported",
            text: `Unsupported value: ${JSON.stringify(spec.scope)}: supported values: "Cluster", "Namespaced"`,
          }
        : required("spec.scope"),
    );
  }
  if (versions.filter((version) => version.storage).length !== 1) {
    errors.push(invalidValue("spec.versions", versions, "must have exactly one version marked as storage version"));
  }
  for (const [index, version] of versions.entries()) {
    const field = `spec.versions[${index}].schema.openAPIV3Schema`;
    const schema = version.schema?.openAPIV3Schema;
    if (!isMap(schema)) errors.push(required(field));
    else if (schema["type"] === undefined) errors.push(required(`${field}.type`, "must not be empty at the root"));
    else if (schema["type"] !== "object")
      errors.push(invalidValue(`${field}.type`, schema["type"], "must be object at the root"));
  }
  if (spec.preserveUnknownFields) errors.push(invalidValue("spec.preserveUnknownFields", true, "must be false"));
  const before = stored?.spec as CustomResourceDefinition["spec"] | undefined;
  if (before && before.scope !== spec.scope) errors.push(invalidValue("spec.scope", spec.scope, "field is immutable"));
  if (before && before.group !== spec.group) errors.push(invalidValue("spec.group", spec.group, "field is immutable"));
  if (before && before.names.kind !== names?.kind)
    errors.push(invalidValue("spec.names.kind", names?.kind, "field is immutable"));
  if (spec.conversion?.strategy === "Webhook") {
    errors.push(forbiddenField("spec.conversion.strategy", "the embedded cluster converts with strategy None only"));
  }
  return errors;
}
