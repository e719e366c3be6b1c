/**
 * A structural JSON Schema, as a CustomResourceDefinition's openAPIV3Schema takes it. A kind is one literal made of
 * the constructors below: its TypeScript type, its CRD and its strict decoder all come from that literal.
 */
export interface Schema {
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly description?: string;
  readonly format?: "int32" | "int64" | "double" | "date-time" | "byte" | "ipv4" | "ipv6";
  readonly properties?: { readonly [name: string]: Schema };
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly not?: Schema;
  readonly "x-kubernetes-int-or-string"?: true;
  readonly "x-kubernetes-preserve-unknown-fields"?: true;
  readonly "x-kubernetes-embedded-resource"?: true;
  readonly "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: "atomic" | "granular";
  /** Built-in kinds only: how strategic merge patch joins this list or map. */
  readonly "x-kubernetes-patch-strategy"?: "merge" | "replace" | "merge,retainKeys" | "retainKeys";
  /** Built-in kinds only: the field that names an element of this list. */
  readonly "x-kubernetes-patch-merge-key"?: string;
  /** Ours, never published: the values that this string has in valid objects. Narrows the type, refuses nothing. */
  readonly "x-words"?: readonly string[];
  /** Ours, never published: fields that valid objects always have, although the API server does not require them. */
  readonly "x-present"?: readonly string[];
  /**
   * Ours, never published: whether Go can tell the zero value of this field from absence. Numbers and booleans: it can,
   * unless marked "dropped" (zero is left out) or "shown" (zero is there even if nobody set it). Strings, lists and
   * maps: it cannot, and empty ones are left out, unless marked "kept". Objects: it can, unless marked "dropped".
   */
  readonly "x-zero"?: "dropped" | "shown" | "kept";
  /** Ours, never published as such: the schema that a CRD shows in place of this one (see crd.ts). */
  readonly "x-published"?: Schema;
}

/** The TypeScript type of the values that a schema literal describes. */
export type FromSchema<S> = S extends { readonly "x-kubernetes-int-or-string": true }
  ? number | string
  : S extends { readonly "x-words": readonly (infer W)[] }
    ? W
    : S extends { readonly enum: readonly (infer E)[] }
      ? E
      : S extends { readonly type: "string" }
        ? string
        : S extends { readonly type: "integer" | "number" }
          ? number
          : S extends { readonly type: "boolean" }
            ? boolean
            : S extends { readonly type: "array"; readonly items: infer I }
              ? FromSchema<I>[]
              : S extends { readonly type: "object"; readonly properties: infer P }
                ? FromProperties<P, NamesIn<S, "required"> | NamesIn<S, "x-present">>
                : S extends { readonly type: "object"; readonly additionalProperties: infer A }
                  ? Record<string, FromSchema<A>>
                  : S extends { readonly type: "object" }
                    ? Record<string, unknown>
                    : unknown;

type NamesIn<S, Key extends string> = S extends { readonly [K in Key]: readonly (infer R)[] } ? R : never;

type FromProperties<P, Required> = Flat<
  { -readonly [K in keyof P as K extends Required ? K : never]: FromSchema<P[K]> } & {
    -readonly [K in keyof P as K extends Required ? never : K]?: FromSchema<P[K]>;
  }
>;

type Flat<T> = { [K in keyof T]: T[K] };

type Properties = { readonly [name: string]: Schema };
type ObjectSchema<P> = { readonly type: "object"; readonly description: string; readonly properties: P };
type ListSchema<I> = { readonly type: "array"; readonly description: string; readonly items: I };
type StringSchema = { readonly type: "string"; readonly description: string };

// Each constructor takes `more` for what is rarer: required names, list and map types, defaults. It is an overload, not
// an optional parameter: else a nested call would infer `More` from where its result goes, and lose the literal's type.

/** An object with these fields. */
export function object<const P extends Properties>(description: string, properties: P): ObjectSchema<P>;
export function object<const P extends Properties, const More extends Schema>(
  description: string,
  properties: P,
  more: More,
): ObjectSchema<P> & More;
export function object(description: string, properties: Properties, more: Schema = {}): Schema {
  return { type: "object", description, properties, ...more };
}

export function list<const I extends Schema>(description: string, items: I): ListSchema<I>;
export function list<const I extends Schema, const More extends Schema>(
  description: string,
  items: I,
  more: More,
): ListSchema<I> & More;
export function list(description: string, items: Schema, more: Schema = {}): Schema {
  return { type: "array", description, items, ...more };
}

/** A map from any string to values of one schema. */
export function mapOf<const V extends Schema>(
  description: string,
  values: V,
): { readonly type: "object"; readonly description: string; readonly additionalProperties: V } {
  return { type: "object", description, additionalProperties: values };
}

/** A map from strings to strings, such as labels. */
export function stringMap(description: string) {
  return mapOf(description, { type: "string" });
}

export function string(description: string): StringSchema;
export function string<const More extends Schema>(description: string, more: More): StringSchema & More;
export function string(description: string, more: Schema = {}): Schema {
  return { type: "string", description, ...more };
}

/** A string that has one of these values in valid objects; others are refused by validation, not by the schema. */
export function words<const W extends readonly string[]>(
  description: string,
  values: W,
): { readonly type: "string"; readonly description: string; readonly "x-words": W } {
  return { type: "string", description, "x-words": values };
}

export function strings(description: string): ListSchema<{ readonly type: "string" }>;
export function strings<const More extends Schema>(
  description: string,
  more: More,
): ListSchema<{ readonly type: "string" }> & More;
export function strings(description: string, more: Schema = {}): Schema {
  return { type: "array", description, items: { type: "string" }, ...more };
}

/** A mark for `bool`, `int32` and `int64`; see Schema. */
export type Zero = "dropped" | "shown";

export function bool(description: string, zero?: Zero) {
  return { type: "boolean", description, ...(zero && { "x-zero": zero }) } as const;
}

export function int32(description: string, zero?: Zero) {
  return { type: "integer", format: "int32", description, ...(zero && { "x-zero": zero }) } as const;
}

export function int64(description: string, zero?: Zero) {
  return { type: "integer", format: "int64", description, ...(zero && { "x-zero": zero }) } as const;
}

/** An RFC 3339 time. */
export function time(description: string) {
  return { type: "string", format: "date-time", description } as const;
}

/** Bytes, base64 in JSON. */
export function bytes(description: string) {
  return { type: "string", format: "byte", description } as const;
}

/** A port's number or name, a percentage or a count. */
export function intOrString(description: string, zero?: Zero) {
  return {
    anyOf: [{ type: "integer" }, { type: "string" }],
    description,
    "x-kubernetes-int-or-string": true,
    ...(zero && { "x-zero": zero }),
  } as const;
}

/** An amount of a resource, such as `500m` or `2Gi`; see lib/quantity.ts. */
export function quantity(description: string, zero?: Zero) {
  return {
    ...(zero && { "x-zero": zero }),
    anyOf: [{ type: "integer" }, { type: "string" }],
    description,
    pattern:
      "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$",
    "x-kubernetes-int-or-string": true,
  } as const;
}

/** Any JSON object; nothing in it is checked or pruned. */
export function anyObject(description: string) {
  return { type: "object", description, "x-kubernetes-preserve-unknown-fields": true } as const;
}

/** The same schema with the meaning it has in one place. */
export function described<const S extends Schema>(description: string, schema: S): S {
  return { ...schema, description };
}

/** Marks a list whose elements are told apart by fields: patches and server-side apply join them by these. */
export function mergedBy<const K extends string, const L extends readonly string[] = readonly [K]>(
  key: K,
  ...mapKeys: L
) {
  return {
    "x-kubernetes-patch-strategy": "merge",
    "x-kubernetes-patch-merge-key": key,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": mapKeys.length > 0 ? mapKeys : [key],
  } as const;
}

/** Marks an object that is empty where it is absent. */
export const plain = { "x-zero": "dropped" } as const;
/** Marks a string or list that may be set to be empty. */
export const maybeEmpty = { "x-zero": "kept" } as const;
/** Marks an object that server-side apply treats as one value. */
export const atomic = { "x-kubernetes-map-type": "atomic" } as const;
/** Marks a list that server-side apply treats as one value. */
export const atomicList = { "x-kubernetes-list-type": "atomic" } as const;
