import { goPattern } from "../lib/go-pattern.ts";
import { goQuote } from "../lib/go-quote.ts";
import type { Schema } from "./schema.ts";
import { type Fields, isFields, ownProperty } from "./structural.ts";

/** One thing that is wrong with a custom resource. Texts are those of k8s.io/kube-openapi and apiextensions-apiserver, v0.34. */
export interface StructuralError {
  /** Such as `spec.ports[0].name`; empty for the object itself. */
  readonly field: string;
  /** A cause's reason in a Status: FieldValueInvalid, FieldValueRequired, ... */
  readonly type:
    | "FieldValueInvalid"
    | "FieldValueRequired"
    | "FieldValueNotSupported"
    | "FieldValueDuplicate"
    | "FieldValueTooLong"
    | "FieldValueTooMany"
    | "FieldValueTypeInvalid";
  /** Without the field: `Invalid value: "string": ...`. */
  readonly message: string;
}

/** Everything that is wrong with a value by its schema, sorted by field. */
export function validate(schema: Schema, value: unknown): StructuralError[] {
  const errors: StructuralError[] = [];
  validateValue(schema, value, "", errors);
  return errors.sort((a, b) => (a.field < b.field ? -1 : a.field > b.field ? 1 : 0));
}

function validateValue(schema: Schema, value: unknown, path: string, errors: StructuralError[]): void {
  if (value === null && schema.nullable) return;
  const mismatch = typeMismatch(schema, value);
  if (mismatch) {
    const text = `${path} in body must be of type ${mismatch.wanted}: ${goQuote(mismatch.found)}`;
    errors.push(typeInvalid(path, mismatch.found, text));
  }
  if (schema.enum && !schema.enum.includes(value as string)) {
    const supported = schema.enum.map((allowed) => goQuote(String(allowed))).join(", ");
    errors.push({
      field: path,
      type: "FieldValueNotSupported",
      message: `Unsupported value: ${shown(value)}: supported values: ${supported}`,
    });
  }
  if (mismatch) {
    validateCombinations(schema, value, path, errors);
    return;
  }
  if (typeof value === "string") validateString(schema, value, path, errors);
  else if (typeof value === "number") validateNumber(schema, value, path, errors);
  else if (Array.isArray(value)) validateList(schema, value, path, errors);
  else if (isFields(value)) validateFields(schema, value, path, errors);
  validateCombinations(schema, value, path, errors);
}

/** Of length and pattern the first that does not fit is told. */
function validateString(schema: Schema, value: string, path: string, errors: StructuralError[]): void {
  const { maxLength = Number.POSITIVE_INFINITY, minLength = 0, pattern, format } = schema;
  const length = [...value].length;
  if (length > maxLength) {
    const unit = maxLength === 1 ? "byte" : "bytes";
    errors.push({
      field: path,
      type: "FieldValueTooLong",
      message: `Too long: may not be more than ${maxLength} ${unit}`,
    });
  } else if (length < minLength) {
    errors.push(invalid(path, value, `${path} in body should be at least ${minLength} chars long`));
  } else if (pattern !== undefined && !matches(pattern, value)) {
    errors.push(invalid(path, value, `${path} in body should match '${pattern}'`));
  }
  const isFine = format !== undefined && Object.hasOwn(formats, format) ? formats[format] : undefined;
  if (isFine && !isFine(value)) {
    errors.push(typeInvalid(path, value, `${path} in body must be of type ${format}: ${goQuote(value)}`));
  }
}

function validateNumber(schema: Schema, value: number, path: string, errors: StructuralError[]): void {
  if (schema.maximum !== undefined && value > schema.maximum) {
    errors.push(invalid(path, value, `${path} in body should be less than or equal to ${schema.maximum}`));
  }
  if (schema.minimum !== undefined && value < schema.minimum) {
    errors.push(invalid(path, value, `${path} in body should be greater than or equal to ${schema.minimum}`));
  }
}

function validateList(schema: Schema, value: readonly unknown[], path: string, errors: StructuralError[]): void {
  if (schema.maxItems !== undefined && value.length > schema.maxItems) {
    const unit = schema.maxItems === 1 ? "item" : "items";
    errors.push({
      field: path,
      type: "FieldValueTooMany",
      message: `Too many: ${value.length}: must have at most ${schema.maxItems} ${unit}`,
    });
  }
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    errors.push(invalid(path, value.length, `${path} in body should have at least ${schema.minItems} items`));
  }
  const { items } = schema;
  if (items) for (const [index, item] of value.entries()) validateValue(items, item, `${path}[${index}]`, errors);
  validateUniqueness(schema, value, path, errors);
}

/** Elements of sets, and elements of maps with the same key fields, may not repeat. */
function validateUniqueness(schema: Schema, value: readonly unknown[], path: string, errors: StructuralError[]): void {
  const listType = schema["x-kubernetes-list-type"];
  if (listType !== "set" && listType !== "map") return;
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    const identity = listType === "set" ? item : keyFieldsOf(schema, item);
    const text = JSON.stringify(identity);
    if (seen.has(text))
      errors.push({
        field: `${path}[${index}]`,
        type: "FieldValueDuplicate",
        message: `Duplicate value: ${shown(identity)}`,
      });
    seen.add(text);
  }
}

function keyFieldsOf(schema: Schema, item: unknown): Fields {
  const keys: Fields = {};
  if (!isFields(item)) return keys;
  for (const name of [...(schema["x-kubernetes-list-map-keys"] ?? [])].sort())
    if (Object.hasOwn(item, name)) keys[name] = item[name];
  return keys;
}

function validateFields(schema: Schema, value: Fields, path: string, errors: StructuralError[]): void {
  for (const name of schema.required ?? []) {
    if (!Object.hasOwn(value, name)) {
      errors.push({
        field: path === "" ? name : `${path}.${name}`,
        type: "FieldValueRequired",
        message: "Required value",
      });
    }
  }
  for (const [key, entry] of Object.entries(value)) {
    const property = ownProperty(schema, key) ?? schema.additionalProperties;
    if (property) validateValue(property, entry, path === "" ? key : `${path}.${key}`, errors);
  }
}

/** What is told of a combination is told of no field, as the API server does. Beside it, the first alternative counts. */
function validateCombinations(schema: Schema, value: unknown, path: string, errors: StructuralError[]): void {
  const misfits = (part: Schema) => {
    const found: StructuralError[] = [];
    validateValue(part, value, path, found);
    return found;
  };
  const complain = (text: string) => errors.push(invalid("<nil>", "", `${goQuote(path)} ${text}`));
  if (schema.anyOf) {
    const all = schema.anyOf.map(misfits);
    if (all.every((found) => found.length > 0)) {
      complain("must validate at least one schema (anyOf)");
      errors.push(...(all[0] ?? []));
    }
  }
  if (schema.oneOf) {
    const all = schema.oneOf.map(misfits);
    const count = all.filter((found) => found.length === 0).length;
    if (count !== 1) {
      const found = count === 0 ? "Found none valid" : `Found ${count} valid alternatives`;
      complain(`must validate one and only one schema (oneOf). ${found}`);
      if (count === 0) errors.push(...(all[0] ?? []));
    }
  }
  if (schema.not && misfits(schema.not).length === 0) complain("must not validate the schema (not)");
}

/** What the type should be and what it is; undefined where it fits. Where a text of some format is wanted, the format is named. */
function typeMismatch(schema: Schema, value: unknown): { wanted: string; found: string } | undefined {
  const wanted = schema["x-kubernetes-int-or-string"] ? ["integer", "string"] : schema.type ? [schema.type] : [];
  if (wanted.length === 0) return undefined;
  const found = typeOf(value);
  if (wanted.includes(found as never) || (found === "integer" && wanted.includes("number"))) return undefined;
  const hasFormat = schema.type === "string" && schema.format !== undefined && found !== "array" && found !== "null";
  return hasFormat ? { wanted: schema.format!, found: formatOf[found] ?? "" } : { wanted: wanted.join(","), found };
}

const formatOf: Readonly<Record<string, string>> = { integer: "int64", number: "double" };

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

const formats: Readonly<Record<string, (text: string) => boolean>> = {
  "date-time": (text) => /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)$/.test(text),
  byte: (text) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text),
  ipv4: (text) => /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(text),
  ipv6: (text) => text.includes(":") && /^[\da-fA-F:.]+$/.test(text),
};

const patterns = new Map<string, RegExp | undefined>();

/** Whether a text fits a pattern. One that JavaScript cannot express fits all. */
function matches(source: string, text: string): boolean {
  if (!patterns.has(source)) patterns.set(source, goPattern(source));
  return patterns.get(source)?.test(text) ?? true;
}

function invalid(field: string, value: unknown, detail: string): StructuralError {
  return { field, type: "FieldValueInvalid", message: `Invalid value: ${shown(value)}: ${detail}` };
}

function typeInvalid(field: string, value: unknown, detail: string): StructuralError {
  return { field, type: "FieldValueTypeInvalid", message: `Invalid value: ${shown(value)}: ${detail}` };
}

function shown(value: unknown): string {
  return typeof value === "string" ? goQuote(value) : JSON.stringify(value);
}
