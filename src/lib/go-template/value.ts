import { formatGoFloat } from "../go-number.ts";

/**
 * Data of a template. Undefined is Go's nil or a missing value, a number with a whole value is an int (see `float`),
 * an array is a slice of strings unless its elements are other things.
 */
export type TemplateValue =
  | undefined
  | string
  | number
  | boolean
  | readonly TemplateValue[]
  | FloatValue
  | MapValue
  | StructValue;

/** What a template may call on a value; all arguments are strings. It throws what it cannot do. */
export type Method = (...args: string[]) => TemplateValue;

export interface FloatValue {
  readonly go: "float";
  readonly value: number;
}

export interface MapValue {
  readonly go: "map";
  readonly type: string;
  readonly entries: ReadonlyMap<string, TemplateValue>;
  /** What `index` gives for a key that is not there. */
  readonly zero: TemplateValue;
  readonly methods: Methods;
}

export interface StructValue {
  readonly go: "struct";
  readonly type: string;
  readonly fields: Readonly<Record<string, TemplateValue>>;
  readonly methods: Methods;
}

type Methods = Readonly<Record<string, Method>>;

/** A float64, which is printed as one even where its value is whole. */
export function float(value: number): FloatValue {
  return { go: "float", value };
}

/** A struct. `type` is its Go name in messages, such as `*http.Request`; a method `String` says how it is printed. */
export function struct(
  type: string,
  fields: Readonly<Record<string, TemplateValue>>,
  methods: Methods = {},
): StructValue {
  return { go: "struct", type, fields, methods };
}

/** A map with strings as keys. */
export function goMap(
  type: string,
  entries: Iterable<readonly [string, TemplateValue]>,
  zero: TemplateValue,
  methods: Methods = {},
): MapValue {
  return { go: "map", type, entries: new Map(entries), zero, methods };
}

/** A `map[string]string`. */
export function stringMap(record: Readonly<Record<string, string>> | undefined): MapValue {
  return goMap("map[string]string", Object.entries(record ?? {}), "");
}

export function isSlice(value: TemplateValue): value is readonly TemplateValue[] {
  return Array.isArray(value);
}

/** A value's Go type. */
export function typeOf(value: TemplateValue): string {
  if (value === undefined) return "<nil>";
  if (typeof value === "number") return "int";
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (isSlice(value)) return value.every((element) => typeof element === "string") ? "[]string" : "[]interface {}";
  return value.go === "float" ? "float64" : value.type;
}

/** Whether `if` takes it for true. */
export function isTruthy(value: TemplateValue): boolean {
  if (value === undefined) return false;
  if (isSlice(value)) return value.length > 0;
  if (typeof value !== "object") return Boolean(value);
  if (value.go === "float") return value.value !== 0;
  return value.go === "struct" || value.entries.size > 0;
}

/** Prints as Go's `%v`; `nil` is what stands for no value. */
export function printed(value: TemplateValue, nil = "<nil>"): string {
  if (value === undefined) return nil;
  if (typeof value !== "object") return String(value);
  if (isSlice(value)) return `[${value.map((element) => printed(element)).join(" ")}]`;
  if (value.go === "float") return formatGoFloat(value.value);
  if (value.methods["String"]) return printed(value.methods["String"]());
  if (value.go === "map")
    return `map[${sortedEntries(value)
      .map(([key, element]) => `${key}:${printed(element)}`)
      .join(" ")}]`;
  const body = Object.values(value.fields)
    .map((field) => printed(field))
    .join(" ");
  return value.type.startsWith("*") ? `&{${body}}` : `{${body}}`;
}

export function sortedEntries(map: MapValue): (readonly [string, TemplateValue])[] {
  return [...map.entries].sort(([a], [b]) => (a < b ? -1 : 1));
}
