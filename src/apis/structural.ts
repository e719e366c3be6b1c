import { objectMetaSchema } from "./meta.ts";
import type { Schema } from "./schema.ts";

// What the API server does with custom resources by their schema: prune, default, validate (structural-validation.ts).
// The order is: prune, default, admission, prune and default again, validate. Source: k8s.io/apiextensions-apiserver
// v0.34, checked against a running kube-apiserver 1.34.4.

export type Fields = Record<string, unknown>;

/**
 * Removes what the schema does not know, in place, and returns the paths of what was removed, sorted. `isRoot` objects,
 * and embedded resources within, keep apiVersion, kind and the metadata that every object may have.
 */
export function prune(schema: Schema, value: unknown, isRoot = true): string[] {
  const removed: string[] = [];
  pruneValue(schema, value, isRoot, "", removed);
  return removed.sort();
}

function pruneValue(schema: Schema, value: unknown, isResource: boolean, path: string, removed: string[]): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items)
      for (const [index, item] of value.entries())
        pruneValue(items, item, isEmbedded(items), `${path}[${index}]`, removed);
    return;
  }
  if (!isFields(value)) return;
  for (const key of Object.keys(value)) {
    const at = path === "" ? key : `${path}.${key}`;
    const property = ownProperty(schema, key);
    if (isResource && (key === "apiVersion" || key === "kind")) continue;
    if (isResource && key === "metadata") {
      pruneValue(objectMetaSchema, value[key], false, at, removed);
      continue;
    }
    if (property) pruneValue(property, value[key], isEmbedded(property), at, removed);
    else if (schema.additionalProperties) {
      pruneValue(schema.additionalProperties, value[key], isEmbedded(schema.additionalProperties), at, removed);
    } else if (!schema["x-kubernetes-preserve-unknown-fields"]) {
      removed.push(at);
      delete value[key];
    }
  }
}

/** Fills in the schema's defaults, in place; `null` where null is not allowed counts as absent and goes. */
export function applyDefaults(schema: Schema, value: unknown): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items) for (const item of value) applyDefaults(items, item);
    return;
  }
  if (!isFields(value)) return;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (property.default === undefined) continue;
    const isNullToReplace = value[name] === null && !property.nullable;
    if (!Object.hasOwn(value, name) || isNullToReplace) value[name] = structuredClone(property.default);
  }
  for (const key of Object.keys(value)) {
    const property = ownProperty(schema, key) ?? schema.additionalProperties;
    if (!property) continue;
    if (value[key] === null && !property.nullable) delete value[key];
    else applyDefaults(property, value[key]);
  }
}

function isEmbedded(schema: Schema): boolean {
  return schema["x-kubernetes-embedded-resource"] === true;
}

/** The schema of a named field. What every object inherits, such as "constructor", is none. */
export function ownProperty(schema: Schema, key: string): Schema | undefined {
  return schema.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
