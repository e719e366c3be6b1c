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
 * fields that Go cannot tell from absent ones (`x-zero`) are dropped or shown. Throws DecodeError.
 */
export function decode<T extends KubeObject>(kind: KindInfo, value: unknown, options: DecodeOptions = {}): Decoded<T> {
  const unknownFields: string[] = [];
  const walk: Walk = { kind: kind.kind, ignoreCase: options.ignoreCase ?? false, unknownFields };
  const root: Schema = { type: "object", properties: { ...typeMeta, ...kind.properties } };
  return { object: decodeValue(root, value, "", walk) as T, unknownFields };
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
}

function decodeValue(schema: Schema, value: unknown, path: string, walk: Walk): unknown {
  if (value === null || value === undefined) return zeroOf(schema);
  if (schema["x-kubernetes-int-or-string"]) return decodeIntOrString(schema, value, path, walk);
  switch (schema.type) {
    case "object":
      return decodeObject(schema, value, path, walk);
    case "array":
      return decodeArray(schema, value, path, walk);
    case "string":
      return decodeString(schema, value, path, walk);
    case "integer":
    case "number":
      return decodeNumber(schema, value, path, walk);
    case "boolean":
      if (typeof value !== "boolean") throw mismatch(value, "bool", path, walk);
      return value === false && schema["x-zero"] === "dropped" ? undefined : value;
    default:
      return value;
  }
}

function decodeObject(schema: Schema, value: unknown, path: string, walk: Walk): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw mismatch(value, schema.additionalProperties ? "map" : "struct", path, walk);
  }
  if (schema.additionalProperties) {
    const values = schema.additionalProperties;
    const decodeEntry = (entry: unknown, key: string) =>
      decodeValue(values, entry, `${path}[${key}]`, walk) ?? emptyOf(values);
    return mapEntries(value, decodeEntry);
  }
  const properties = schema.properties;
  if (!properties) return value;
  const decoded: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(value)) {
    const name = Object.hasOwn(properties, key) ? key : walk.ignoreCase ? nameIgnoringCase(properties, key) : undefined;
    const at = path === "" ? key : `${path}.${key}`;
    if (name === undefined) {
      if (schema["x-kubernetes-preserve-unknown-fields"]) setOwn(decoded, key, entry);
      else walk.unknownFields.push(at);
      continue;
    }
    const property = properties[name]!;
    const field = decodeValue(property, entry, at, walk);
    if (field !== undefined && !isEmptyCollection(property, field)) decoded[name] = field;
  }
  for (const name of shownZeros(properties)) decoded[name] ??= zeroOf(properties[name]!);
  return decoded;
}

function decodeArray(schema: Schema, value: unknown, path: string, walk: Walk): unknown {
  if (!Array.isArray(value)) throw mismatch(value, "array", path, walk);
  const items = schema.items ?? {};
  return value.map((item, index) => decodeValue(items, item, `${path}[${index}]`, walk) ?? emptyOf(items));
}

function decodeString(schema: Schema, value: unknown, path: string, walk: Walk): unknown {
  if (typeof value !== "string") throw mismatch(value, "string", path, walk);
  if (schema.format === "date-time" && !isTime(value)) {
    throw new DecodeError(
      `parsing time ${goQuote(value)} as "2006-01-02T15:04:05Z07:00": cannot parse ${goQuote(value)} as "2006"`,
    );
  }
  if (schema.format === "byte" && !/^(?:[A-Za-z0-9+/\r\n]*)={0,2}[\r\n]*$/.test(value)) {
    throw new DecodeError(`illegal base64 data at input byte ${Math.max(0, value.search(/[^A-Za-z0-9+/=\r\n]/))}`);
  }
  return value === "" && schema["x-zero"] !== "kept" ? undefined : value;
}

function decodeNumber(schema: Schema, value: unknown, path: string, walk: Walk): unknown {
  const goType = schema.type === "number" ? "float64" : (schema.format ?? "int");
  if (typeof value !== "number") throw mismatch(value, goType, path, walk);
  if (schema.type === "integer") {
    const limit = schema.format === "int32" ? 2 ** 31 : 2 ** 63;
    if (!Number.isInteger(value) || value >= limit || value < -limit) throw mismatch(value, goType, path, walk);
  }
  return value === 0 && schema["x-zero"] === "dropped" ? undefined : value;
}

function decodeIntOrString(schema: Schema, value: unknown, path: string, walk: Walk): unknown {
  const isQuantity = schema.pattern !== undefined;
  // Go's Quantity takes any JSON, and refuses what is no amount.
  if (isQuantity) return decodeQuantity(typeof value === "object" ? JSON.stringify(value) : String(value).trim());
  if (typeof value === "string") return value;
  if (typeof value !== "number") throw mismatch(value, "int32", path, walk);
  if (!Number.isInteger(value) || Math.abs(value) > 2 ** 31 - 1) throw mismatch(value, "int32", path, walk);
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
  if (schema["x-zero"] !== "shown") return undefined;
  if (schema.type === "boolean") return false;
  return schema.pattern === undefined ? 0 : "0";
}

/** What Go has in a list or map where JSON has `null`. */
function emptyOf(schema: Schema): unknown {
  if (schema["x-kubernetes-int-or-string"]) return schema.pattern === undefined ? 0 : "0";
  if (schema.type === "object") {
    return Object.fromEntries(
      shownZeros(schema.properties ?? {}).map((name) => [name, zeroOf(schema.properties![name]!)]),
    );
  }
  if (schema.type === "array") return [];
  if (schema.type === "string") return "";
  if (schema.type === "boolean") return false;
  return schema.type === undefined ? null : 0;
}

type Properties = NonNullable<Schema["properties"]>;
const shownByProperties = new WeakMap<Properties, readonly string[]>();

function shownZeros(properties: Properties): readonly string[] {
  let names = shownByProperties.get(properties);
  if (!names) {
    names = Object.keys(properties).filter((name) => properties[name]!["x-zero"] === "shown");
    shownByProperties.set(properties, names);
  }
  return names;
}

function nameIgnoringCase(properties: Properties, key: string): string | undefined {
  const lower = key.toLowerCase();
  return Object.keys(properties).find((name) => name.toLowerCase() === lower);
}

function mapEntries(value: object, decodeEntry: (entry: unknown, key: string) => unknown): Record<string, unknown> {
  const decoded: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(value)) setOwn(decoded, key, decodeEntry(entry, key));
  return decoded;
}

/** Sets a property of any name: `__proto__` too is only a name in JSON. */
function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__")
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

function mismatch(value: unknown, goType: string, path: string, walk: Walk): DecodeError {
  const found =
    typeof value === "number"
      ? `number ${value}`
      : typeof value === "boolean"
        ? "bool"
        : Array.isArray(value)
          ? "array"
          : typeof value;
  const field = path === "" ? `value of type ${walk.kind}` : `struct field ${walk.kind}.${path} of type ${goType}`;
  return new DecodeError(`json: cannot unmarshal ${found} into Go ${field}`);
}

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
}
