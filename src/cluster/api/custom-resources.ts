import type { CustomResourceDefinition } from "../../apis/core/customresourcedefinition.ts";
import { objectMetaSchema } from "../../apis/meta.ts";
import type { Schema } from "../../apis/schema.ts";
import { applyDefaults, prune } from "../../apis/structural.ts";
import { type StructuralError, validate } from "../../apis/structural-validation.ts";
import { fit, type Misfits } from "./decode.ts";
import { compileJsonPath } from "./json-path.ts";
import { allVerbs, type Column, type Item, resourceKey, type ServedResource } from "./resource.ts";
import type { FieldError } from "./status-errors.ts";
import { ageColumn, nameColumn } from "./tables/columns.ts";
import { age } from "./tables/table.ts";
import { type Fields, isMap } from "./typed-values.ts";

type Version = NonNullable<CustomResourceDefinition["spec"]>["versions"][number];

/** The resources that a definition adds to the API: one for each served version. */
export function serveDefinition(definition: CustomResourceDefinition): ServedResource[] {
  const { spec } = definition;
  const { names, group } = spec;
  const storageVersion = spec.versions.find((version) => version.storage)?.name ?? spec.versions[0]!.name;
  return spec.versions
    .filter((version) => version.served)
    .map((version) => {
      const schema = schemaOf(version);
      return {
        group,
        version: version.name,
        kind: names.kind,
        plural: names.plural,
        singular: names.singular || names.kind.toLowerCase(),
        namespaced: spec.scope === "Namespaced",
        shortNames: names.shortNames ?? [],
        categories: names.categories ?? [],
        key: resourceKey(group, names.plural),
        storageVersion,
        schema,
        custom: true,
        subresources: {
          ...(version.subresources?.status && { status: true }),
          ...(version.subresources?.scale && { scale: version.subresources.scale }),
        },
        extras: [],
        verbs: allVerbs,
        columns: columnsOf(version),
        behaviour: {
          countsGenerations: true,
          needsRevision: true,
          fields: selectableFieldsOf(version),
          setDefaults: (item) => applyDefaults(schema, item),
          validate: (item) => validate(schema, item).map(fieldErrorOf),
          ...(version.deprecated && {
            warnings: () => [version.deprecationWarning || `${group}/${version.name} ${names.kind} is deprecated`],
          }),
        },
        decode: (value: Fields, misfits: Misfits) => decodeCustom(value, schema, misfits),
      } satisfies ServedResource;
    });
}

/** The whole object's schema; what every object has is known without being told. */
function schemaOf(version: Version): Schema {
  const given = (version.schema?.openAPIV3Schema ?? {
    type: "object",
    "x-kubernetes-preserve-unknown-fields": true,
  }) as Schema;
  const own: Schema = { type: "string" };
  return {
    ...given,
    type: "object",
    properties: { ...given.properties, apiVersion: own, kind: own, metadata: objectMetaSchema },
  };
}

function decodeCustom(value: Fields, schema: Schema, misfits: Misfits): Item {
  const { metadata, ...rest } = value;
  const fitted = fit(metadata ?? {}, objectMetaSchema, misfits, "metadata");
  misfits.unknown.push(...prune(schema, rest));
  return { ...rest, metadata: fitted } as unknown as Item;
}

function fieldErrorOf({ field, type, message }: StructuralError): FieldError {
  return { field: field || "<nil>", reason: type, text: message };
}

function columnsOf(version: Version): Column[] {
  const columns = version.additionalPrinterColumns ?? [];
  if (columns.length === 0) return [nameColumn, ageColumn];
  return [
    nameColumn,
    ...columns.map(({ name, type, format, description, priority, jsonPath }) => {
      const path = compileJsonPath(jsonPath);
      return {
        name,
        type: type as Column["type"],
        ...(format && { format }),
        description: description ?? `Custom resource definition column (in JSONPath format): ${jsonPath}`,
        priority: priority ?? 0,
        cell: (object: Item, nowMs: number) => cellOf(path(object), type, nowMs),
      };
    }),
  ];
}

/** A cell of a custom column. Source: k8s.io/apiextensions-apiserver registry/customresource/tableconvertor. */
function cellOf(values: readonly unknown[], type: string, nowMs: number): unknown {
  const [first] = values;
  if (first === undefined || first === null) return type === "date" ? (first === undefined ? "<unknown>" : null) : null;
  switch (type) {
    case "date":
      return age(first, nowMs);
    case "integer":
      return Number.isInteger(first) ? first : null;
    case "number":
      return typeof first === "number" ? first : null;
    case "boolean":
      return typeof first === "boolean" ? first : null;
    default:
      return values.map(textOf).join(" ");
  }
}

function textOf(value: unknown): string {
  return typeof value === "string"
    ? value
    : isMap(value) || Array.isArray(value)
      ? JSON.stringify(value)
      : String(value);
}

function selectableFieldsOf(version: Version): Record<string, (item: Item) => string> {
  return Object.fromEntries(
    (version.selectableFields ?? []).map(({ jsonPath }) => {
      const path = compileJsonPath(jsonPath);
      return [jsonPath.replace(/^\./, ""), (item: Item) => String(path(item)[0] ?? "")];
    }),
  );
}
