import type { CustomResourceDefinition } from "./core/customresourcedefinition.ts";
import { type KindInfo, resourceNameOf } from "./kind.ts";
import type { Schema } from "./schema.ts";

/** The CustomResourceDefinition that adds a kind of ours to the API. */
export function makeCustomResourceDefinition(kind: KindInfo): CustomResourceDefinition {
  const { scale } = kind.subresources;
  const subresources = { ...(kind.subresources.status && { status: {} }), ...(scale && { scale: { ...scale } }) };
  const names = {
    kind: kind.kind,
    plural: kind.plural,
    singular: kind.singular,
    ...(kind.categories.length > 0 && { categories: [...kind.categories] }),
    ...(kind.shortNames.length > 0 && { shortNames: [...kind.shortNames] }),
  };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: resourceNameOf(kind), labels: { ...kind.crdLabels } },
    spec: {
      group: kind.group,
      names,
      scope: kind.namespaced ? "Namespaced" : "Cluster",
      versions: [
        {
          name: kind.version,
          served: true,
          storage: true,
          ...(Object.keys(subresources).length > 0 && { subresources }),
          ...(kind.printerColumns.length > 0 && {
            additionalPrinterColumns: kind.printerColumns.map((column) => ({ ...column })),
          }),
          schema: { openAPIV3Schema: openApiSchemaOf(kind) },
        },
      ],
    },
  };
}

function openApiSchemaOf(kind: KindInfo): Record<string, unknown> {
  const properties: Record<string, unknown> = {
    apiVersion: { type: "string", description: "The group and version of the kind." },
    kind: { type: "string", description: "The kind." },
    metadata: { type: "object" },
  };
  for (const [name, schema] of Object.entries(kind.properties)) properties[name] = publish(schema);
  return { type: "object", description: kind.description, properties };
}

/** The part of a schema that a structural schema may have: without our own marks and those of built-in kinds. */
function publish(schema: Schema): Record<string, unknown> {
  const shown = schema["x-published"] ?? schema;
  const isMergedList = shown["x-kubernetes-patch-strategy"] !== undefined;
  const published: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(shown)) {
    if (key.startsWith("x-kubernetes-patch-") || ownMarks.has(key)) continue;
    if (isMergedList && key.startsWith("x-kubernetes-list-")) continue;
    // Lists in custom resources are atomic unless told.
    if (key === "x-kubernetes-list-type" && value === "atomic") continue;
    published[key] = value;
  }
  if (shown.properties) published["properties"] = publishAll(shown.properties);
  if (shown.items) published["items"] = publish(shown.items);
  if (shown.additionalProperties) published["additionalProperties"] = publish(shown.additionalProperties);
  return published;
}

const ownMarks: ReadonlySet<string> = new Set(["x-words", "x-present", "x-published", "x-zero"]);

function publishAll(properties: { readonly [name: string]: Schema }): Record<string, unknown> {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, publish(schema)]));
}
