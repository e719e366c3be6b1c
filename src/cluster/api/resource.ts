import type { PrinterColumn, ScaleSubresource } from "../../apis/kind.ts";
import type { KubeObject } from "../../apis/meta.ts";
import type { Schema } from "../../apis/schema.ts";
import type { Misfits } from "./decode.ts";
import type { NameRule } from "./names.ts";
import type { FieldError } from "./status-errors.ts";
import type { StorageReader } from "./storage.ts";
import type { Fields } from "./typed-values.ts";

/** An object on its way through the server: its kind is known at run time only. */
export type Item = KubeObject & { spec?: Fields; status?: Fields; [field: string]: unknown };

/** A column of a table, and how to find its cell. Priority 0 is always shown, others with `-o wide`. */
export interface Column extends Omit<PrinterColumn, "jsonPath"> {
  readonly format?: string;
  cell(object: Item, nowMs: number): unknown;
}

/** What the server does differently for one kind. All of it is optional and pure but for `claim`. */
export interface Behaviour {
  readonly nameRule?: NameRule;
  /** Whether metadata.generation counts changes of everything but metadata and status. */
  readonly countsGenerations?: boolean;
  /** PUT of an object that is not there makes it. */
  readonly createsOnUpdate?: boolean;
  /** A PUT must name the version that it replaces. */
  readonly needsRevision?: boolean;
  /** A warning for everybody who uses the kind. */
  readonly deprecated?: string;
  /** Field labels that field selectors may use beside metadata.name and metadata.namespace. */
  readonly fields?: Readonly<Record<string, (object: Item) => string>>;
  /** The status of a new object; `{}` unless told. */
  readonly emptyStatus?: Fields;
  /** Fills in, in place, what clients see filled in. Also runs on objects that are patched or updated. */
  setDefaults?(object: Item): void;
  /** Changes a new object in place, after defaults. */
  prepareCreate?(object: Item): void;
  /** Changes an update in place, given what is stored. */
  prepareUpdate?(object: Item, stored: Item): void;
  /** The rules that the object breaks; `stored` is what it replaces. */
  validate?(object: Item, stored: Item | undefined): FieldError[];
  /** The rules that the status of a built-in kind breaks. */
  validateStatus?(object: Item): FieldError[];
  /** Texts for the Warning header. */
  warnings?(object: Item): string[];
  /** Runs inside the storage transaction, for what must be unique: allocates, in place, or throws. */
  claim?(object: Item, stored: Item | undefined, reader: StorageReader): void;
  /** Added when an object is deleted: something has to be cleaned up before it goes. */
  readonly deletionFinalizer?: string;
  /** Seconds that a deleted object has to end in good order, given what the client asked for; 0 removes at once. */
  gracePeriodSeconds?(object: Item, asked: number | undefined): number;
}

/** One version of one kind, as this server offers it. */
export interface ServedResource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** "group/plural", or "plural" in the core group. */
  readonly key: string;
  /** Objects are stored as this version. */
  readonly storageVersion: string;
  /** The whole object's. */
  readonly schema: Schema;
  readonly custom: boolean;
  readonly subresources: { readonly status?: boolean; readonly scale?: ScaleSubresource };
  /** Subresources beside status and scale, for discovery: name to verbs and kind. */
  readonly extras: readonly ExtraSubresource[];
  readonly verbs: readonly string[];
  readonly columns: readonly Column[];
  readonly behaviour: Behaviour;
  /** Fits a parsed body to the schema, noting what does not fit. Returns a new value. */
  decode(value: Fields, misfits: Misfits): Item;
}

export interface ExtraSubresource {
  readonly name: string;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
}

export const allVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"] as const;

export function resourceKey(group: string, plural: string): string {
  return group === "" ? plural : `${group}/${plural}`;
}

export function groupVersion(resource: Pick<ServedResource, "group" | "version">): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}

/** How errors name the resource. */
export function targetOf(resource: ServedResource): { group: string; resource: string } {
  return { group: resource.group, resource: resource.plural };
}
