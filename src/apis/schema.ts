/**
 * A structural JSON Schema, as a CustomResourceDefinition's openAPIV3Schema takes it. A kind is one literal of this
 * type (`as const satisfies Schema`): its TypeScript type, its CRD and its strict decoder all come from that literal.
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
}

/** The TypeScript type of the values that a schema literal describes. */
export type FromSchema<S> = S extends { readonly "x-kubernetes-int-or-string": true }
  ? number | string
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
              ? FromProperties<P, S extends { readonly required: readonly (infer R)[] } ? R : never>
              : S extends { readonly type: "object"; readonly additionalProperties: infer A }
                ? Record<string, FromSchema<A>>
                : S extends { readonly type: "object" }
                  ? Record<string, unknown>
                  : unknown;

type FromProperties<P, Required> = Flat<
  { -readonly [K in keyof P as K extends Required ? K : never]: FromSchema<P[K]> } & {
    -readonly [K in keyof P as K extends Required ? never : K]?: FromSchema<P[K]>;
  }
>;

type Flat<T> = { [K in keyof T]: T[K] };
