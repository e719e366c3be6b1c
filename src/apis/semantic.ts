import { parseQuantity } from "../lib/quantity.ts";
import type { Schema } from "./schema.ts";

/**
 * Whether two values of a schema mean the same: empty lists and maps are absent ones, amounts are compared as
 * numbers, and objects that Go cannot tell from empty ones are empty where they are absent.
 * Source: k8s.io/apimachinery v0.29.2 equality.Semantic.
 */
export function semanticEqual(schema: Schema, a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isNothing(schema, a) || isNothing(schema, b)) return isNothing(schema, a) && isNothing(schema, b);
  if (Array.isArray(a) && Array.isArray(b)) {
    const items = schema.items ?? {};
    return a.length === b.length && a.every((item, index) => semanticEqual(items, item, b[index]));
  }
  if (typeof a === "object" && typeof b === "object") {
    const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
    const names = new Set([...Object.keys(left), ...Object.keys(right)]);
    // In a map, an entry without a value is an entry.
    if (schema.additionalProperties && ![...names].every((name) => name in left && name in right)) return false;
    for (const name of names) if (!semanticEqual(schemaOf(schema, name), left[name], right[name])) return false;
    return true;
  }
  if (isQuantity(schema)) return parseQuantity(String(a)).nano === parseQuantity(String(b)).nano;
  return false;
}

/** Whether a decoded object has nothing set. */
export function isEmpty(schema: Schema, value: object | undefined): boolean {
  return (
    value === undefined || Object.entries(value).every(([name, field]) => isNothing(schemaOf(schema, name), field))
  );
}

function isNothing(schema: Schema, value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value !== "object") return isZero(value, schema);
  if (schema.additionalProperties) return Object.keys(value).length === 0;
  return schema["x-zero"] === "dropped" && isEmpty(schema, value);
}

function isZero(value: unknown, schema: Schema): boolean {
  if (value === "") return schema.type === "string" && schema["x-zero"] !== "kept";
  if (schema["x-zero"] === undefined) return false;
  return value === 0 || value === false || (value === "0" && isQuantity(schema));
}

function schemaOf(schema: Schema, name: string): Schema {
  if (schema.properties && Object.hasOwn(schema.properties, name)) return schema.properties[name]!;
  return schema.additionalProperties ?? {};
}

function isQuantity(schema: Schema): boolean {
  return schema["x-kubernetes-int-or-string"] === true && schema.pattern !== undefined;
}
