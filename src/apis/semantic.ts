import { parseQuantity } from "../lib/quantity.ts";
import type { Schema } from "./schema.ts";

/**
 * Whether two decoded values of a schema mean the same: empty lists and maps are absent ones, amounts are compared as
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
  if (typeof value !== "object")
    return schema["x-zero"] === "shown" && (value === 0 || value === "0" || value === false);
  if (schema.additionalProperties) return Object.keys(value).length === 0;
  return schema["x-zero"] === "dropped" && isEmpty(schema, value);
}

function schemaOf(schema: Schema, name: string): Schema {
  if (schema.properties && Object.hasOwn(schema.properties, name)) return schema.properties[name]!;
  return schema.additionalProperties ?? {};
}

function isQuantity(schema: Schema): boolean {
  return schema["x-kubernetes-int-or-string"] === true && schema.pattern !== undefined;
}
