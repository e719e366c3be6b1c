import { goQuote } from "../lib/go-quote.ts";
import { canonicalQuantity, QuantityError } from "../lib/quantity.ts";
import type { KindInfo } from "./kind.ts";
import { type KubeObject, objectMetaSchema } from "./meta.ts";
import type { Schema } from "./schema.ts";

/** JSON that does not fit the kind; the message is the one that Go's decoder gives, as far as it names no Go types. */
export class DecodeError extends Error {}

export interface Decoded<T> {
  readonly object: T;
  /** Paths of fields that the kind does not have, in document order: `spec.template.foo`. They are not in `object`. */
  readonly unknownFields: readonly string[];
}

export interface DecodeOptions {
  /** Go's own decoder, which webhooks use, takes `Spec` for `spec`; the API server's does not. */
  readonly ignoreCase?: boolean;
}

/**
 * Reads parsed JSON as an object of a kind, as a Go program would: `null` is absent, quantities are in canonical form,
 * fields that Go cannot tell from absent ones (`x-zero`) are dropped or shown. What is required is there, if only as
 * zero: Go writes it always, so that it is validation that refuses it, or takes it. Throws DecodeError.
 */
export function decode<T extends KubeObject>(kind: KindInfo, value: unknown, options: DecodeOptions = {}): Decoded<T> {
  const unknownFields: string[] = [];
  const walk: Walk = { kind: kind.kind, ignoreCase: options.ignoreCase ?? false, unknownFields, path: [] };
  return { object: decodeValue(rootSchemaOf(kind), value, walk) as T, unknownFields };
}

const rootSchemas = new WeakMap<KindInfo, Schema>();

function rootSchemaOf(kind: KindInfo): Schema {
  let root = rootSchemas.get(kind);
  if (!root) {
    root = { type: "object", properties: { ...typeMeta, ...kind.properties } };
    rootSchemas.set(kind, root);
  }
  return root;
}

const typeMeta = {
  apiVersion: { type: "string" },
  kind: { type: "string" },
  metadata: objectMetaSchema,
} as const satisfies Record<string, Schema>;

interface Walk {
  readonly kind: string;
  readonly ignoreCase: boolean;
  readonly unknownFields: string[];
  /** Where the walk is: names of fields, and indexes and keys in brackets. Put together only where it is told. */
  readonly path: string[];
}

function decodeValue(schema: Schema, value: unknown, walk: Walk): unknown {
  if (value === null || value === undefined) return undefined;
  if (schema["x-kubernetes-int-or-string"]) return decodeIntOrString(schema, value, walk);
  switch (schema.type) {
    case "object":
      return decodeObject(schema, value, walk);
    case "array":
      return decodeArray(schema, value, walk);
    case "string":
      return decodeString(schema, value, walk);
    case "integer":
    case "number":
      return decodeNumber(schema, value, walk);
    case "boolean":
      if (typeof value !== "boolean") throw mismatch(value, "bool", walk);
      return value === false && schema["x-zero"] === "dropped" ? undefined : value;
    default:
      return value;
  }
}

function decodeObject(schema: Schema, value: unknown, walk: Walk): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw mismatch(value, schema.additionalProperties ? "map" : "struct", walk);
  }
  const decoded: Record<string, unknown> = {};
  if (schema.additionalProperties) {
    for (const [key, entry] of Object.entries(value)) {
      setOwn(decoded, key, decodeElement(schema.additionalProperties, entry, key, walk));
    }
    return decoded;
  }
  if (!schema.properties) return value;
  const { byName, byLowerName, shown } = fieldsOf(schema);
  for (const key of Object.keys(value)) {
    const entry = (value as Record<string, unknown>)[key];
    const field = byName.get(key) ?? (walk.ignoreCase ? byLowerName.get(key.toLowerCase()) : undefined);
    if (!field) {
      if (schema["x-kubernetes-preserve-unknown-fields"]) setOwn(decoded, key, entry);
      else walk.unknownFields.push(pathText([...walk.path, key]));
      continue;
    }
    walk.path.push(key);
    const fitted = decodeValue(field.schema, entry, walk);
    walk.path.pop();
    if (fitted === undefined || (!field.isRequired && isEmptyCollection(field.schema, fitted))) continue;
    decoded[field.name] = fitted;
  }
  for (const field of shown) decoded[field.name] ??= zeroOf(field.schema);
  return decoded;
}

function decodeArray(schema: Schema, value: unknown, walk: Walk): unknown {
  if (!Array.isArray(value)) throw mismatch(value, "array", walk);
  const items = schema.items ?? {};
  return value.map((item, index) => decodeElement(items, item, index, walk));
}

function decodeElement(schema: Schema, value: unknown, place: string | number, walk: Walk): unknown {
  walk.path.push(`[${place}]`);
  const element = decodeValue(schema, value, walk) ?? emptyOf(schema);
  walk.path.pop();
  return element;
}

function decodeString(schema: Schema, value: unknown, walk: Walk): unknown {
  if (typeof value !== "string") throw mismatch(value, "string", walk);
  if (schema.format === "date-time" && !isTime(value)) {
    throw new DecodeError(
      `parsing time ${goQuote(value)} as "2006-01-02T15:04:05Z07:00": cannot parse ${goQuote(value)} as "2006"`,
    );
  }
  const notBase64 = schema.format === "byte" ? value.search(/[^A-Za-z0-9+/=\r\n]/) : -1;
  if (notBase64 >= 0) throw new DecodeError(`illegal base64 data at input byte ${notBase64}`);
  return value === "" && schema["x-zero"] !== "kept" ? undefined : value;
}

function decodeNumber(schema: Schema, value: unknown, walk: Walk): unknown {
  const goType = schema.type === "number" ? "float64" : (schema.format ?? "int");
  if (typeof value !== "number") throw mismatch(value, goType, walk);
  if (schema.type === "integer") {
    const limit = schema.format === "int32" ? 2 ** 31 : 2 ** 63;
    if (!Number.isInteger(value) || value >= limit || value < -limit) throw mismatch(value, goType, walk);
  }
  return value === 0 && schema["x-zero"] === "dropped" ? undefined : value;
}

function decodeIntOrString(schema: Schema, value: unknown, walk: Walk): unknown {
  const isQuantity = schema.pattern !== undefined;
  // Go's Quantity takes any JSON, and refuses what is no amount.
  if (isQuantity) return decodeQuantity(typeof value === "object" ? JSON.stringify(value) : String(value).trim());
  if (typeof value === "string") return value;
  if (typeof value !== "number") throw mismatch(value, "int32", walk);
  if (!Number.isInteger(value) || Math.abs(value) > 2 ** 31 - 1) throw mismatch(value, "int32", walk);
  return value;
}

function decodeQuantity(text: string): string {
  try {
    return canonicalQuantity(text);
  } catch (error) {
    if (error instanceof QuantityError) throw new DecodeError(error.message, { cause: error });
    throw error;
  }
}

/** Go leaves empty lists and maps out. */
function isEmptyCollection(schema: Schema, value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0 && schema["x-zero"] !== "kept";
  return schema.additionalProperties !== undefined && Object.keys(value as object).length === 0;
}

function zeroOf(schema: Schema): unknown {
  if (schema.type === "boolean") return false;
  if (schema.type === "string") return "";
  return schema.pattern === undefined ? 0 : "0";
}

/** What Go has in a list or map where JSON has `null`. */
function emptyOf(schema: Schema): unknown {
  if (schema["x-kubernetes-int-or-string"]) return schema.pattern === undefined ? 0 : "0";
  if (schema.type === "object") {
    return Object.fromEntries(fieldsOf(schema).shown.map((field) => [field.name, zeroOf(field.schema)]));
  }
  if (schema.type === "array") return [];
  if (schema.type === "string") return "";
  if (schema.type === "boolean") return false;
  return schema.type === undefined ? null : 0;
}

interface Field {
  readonly name: string;
  readonly schema: Schema;
  readonly isRequired: boolean;
}

/** The fields of an object's schema, arranged for looking them up. */
interface FieldTable {
  readonly byName: ReadonlyMap<string, Field>;
  readonly byLowerName: ReadonlyMap<string, Field>;
  /** Fields that are there even if nobody set them. */
  readonly shown: readonly Field[];
}

const tables = new WeakMap<Schema, FieldTable>();

function fieldsOf(schema: Schema): FieldTable {
  let table = tables.get(schema);
  if (!table) {
    const required: readonly string[] = schema.required ?? [];
    const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => ({
      name,
      schema: field,
      isRequired: required.includes(name),
    }));
    table = {
      byName: new Map(fields.map((field) => [field.name, field])),
      byLowerName: new Map(fields.map((field) => [field.name.toLowerCase(), field])),
      shown: fields.filter(
        ({ schema, isRequired }) => schema["x-zero"] === "shown" || (isRequired && isScalar(schema)),
      ),
    };
    tables.set(schema, table);
  }
  return table;
}

function isScalar(schema: Schema): boolean {
  return schema["x-kubernetes-int-or-string"] === true || !["object", "array", undefined].includes(schema.type);
}

/** Sets a property of any name: `__proto__` too is only a name in JSON. */
function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__")
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

function mismatch(value: unknown, goType: string, walk: Walk): DecodeError {
  const found =
    typeof value === "number"
      ? `number ${value}`
      : typeof value === "boolean"
        ? "bool"
        : Array.isArray(value)
          ? "array"
          : typeof value;
  const path = pathText(walk.path);
  const field = path === "" ? `value of type ${walk.kind}` : `struct field ${walk.kind}.${path} of type ${goType}`;
  return new DecodeError(`json: cannot unmarshal ${found} into Go ${field}`);
}

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
}

function pathText(path: readonly string[]): string {
  return path.map((part, index) => (index === 0 || part.startsWith("[") ? part : `.${part}`)).join("");
}
