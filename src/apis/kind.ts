import type { KubeObject, ObjectMeta } from "./meta.ts";
import type { FromSchema, Schema } from "./schema.ts";

/** A column of `kubectl get`, as a CustomResourceDefinition declares it. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly jsonPath: string;
  readonly description?: string;
  readonly priority?: number;
}

/** All that is known of a kind: how to reach it, what it looks like, how its CRD is made. */
export interface KindInfo {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** The top-level fields beside apiVersion, kind and metadata. */
  readonly properties: { readonly [name: string]: Schema };
  readonly description: string;
  readonly subresources: { readonly status?: boolean; readonly scale?: ScaleSubresource };
  readonly printerColumns: readonly PrinterColumn[];
  /** Labels of the CRD itself. */
  readonly crdLabels: { readonly [name: string]: string };
}

export interface ScaleSubresource {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

/** A kind whose objects have the type `T`. Carry it wherever a function works on "some kind": `client.get(Revision, ...)`. */
export interface Kind<T extends KubeObject = KubeObject> extends KindInfo {
  /** Never set: ties the descriptor to its object type. */
  readonly objectType?: T;
}

/** The object type of a kind: `type Revision = ObjectOf<typeof Revision>`. */
export type ObjectOf<K> = K extends Kind<infer T> ? T : never;

type Fields<P> = { -readonly [N in keyof P as N extends "spec" ? N : never]: FromSchema<P[N]> } & {
  -readonly [N in keyof P as N extends "spec" ? never : N]?: FromSchema<P[N]>;
};

type Literal<P> = Pick<KindInfo, "group" | "version" | "kind" | "plural" | "description"> & {
  readonly properties: P;
} & Partial<Omit<KindInfo, "properties" | "group" | "version" | "kind" | "plural" | "description">>;

/**
 * Declares a kind from one literal. Namespaced, without subresources, unless told.
 * `spec`, where the kind has one, is never absent from the type: admission refuses objects without it.
 */
export function defineKind<const P extends { readonly [name: string]: Schema }>(
  literal: Literal<P>,
): Kind<{ apiVersion: string; kind: string; metadata: ObjectMeta } & Fields<P>> {
  return {
    singular: literal.kind.toLowerCase(),
    namespaced: true,
    shortNames: [],
    categories: [],
    subresources: {},
    printerColumns: [],
    crdLabels: {},
    ...literal,
  };
}

/** "group/version", or "v1" for the core group. */
export function apiVersionOf(kind: Pick<KindInfo, "group" | "version">): string {
  return kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
}

/** "plural.group": the name of the kind's CustomResourceDefinition and of its resource in messages. */
export function resourceNameOf(kind: Pick<KindInfo, "group" | "plural">): string {
  return kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;
}

/** The namespaced kind that a reference names. Source: k8s.io/apimachinery v0.29 meta.UnsafeGuessKindToResource. */
export function referredKind({ apiVersion = "", kind }: { readonly apiVersion?: string; readonly kind: string }): Kind {
  const [version = "", group = ""] = apiVersion.split("/").reverse();
  return defineKind({
    group,
    version,
    kind,
    plural: guessedPlural(kind.toLowerCase()),
    description: "",
    properties: {},
  });
}

function guessedPlural(singular: string): string {
  if (singular.endsWith("s")) return `${singular}es`;
  return singular.endsWith("y") ? `${singular.slice(0, -1)}ies` : `${singular}s`;
}
