import type { Kind } from "../apis/kind.ts";
import type { KubeList, KubeObject, Status } from "../apis/meta.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";

/**
 * What the rest of the program knows of Kubernetes: the contracts, without the machinery behind them.
 * Every call rejects with ApiError (errors.ts) when the API server answers with a failure.
 */
export interface Client {
  /** The operations on one kind. */
  of<T extends KubeObject>(kind: Kind<T>): Resource<T>;
  /** A request that no kind covers (`/version`, `/openapi/v3`); resolves with the parsed JSON. */
  raw(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<unknown>;
  /** Ends every connection; later calls reject. */
  close(): void;
}

/** Names an object of a known kind. `namespace` is absent for cluster-scoped kinds. */
export interface ObjectRef {
  readonly name: string;
  readonly namespace?: string;
}

export interface ListOptions {
  /** All namespaces when absent. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly signal?: AbortSignal;
}

export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Changes after this version; absent: the server first sends what exists as ADDED. */
  readonly resourceVersion?: string;
  /** The server ends the watch after so long. */
  readonly timeoutSeconds?: number;
  /** Rejects when the server is silent for so long, bookmarks included. */
  readonly inactivityMs?: number;
  readonly signal?: AbortSignal;
}

/** A line of a watch. BOOKMARK only moves `metadata.resourceVersion` on; ERROR is the last event of its watch. */
export type WatchEvent<T extends KubeObject> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"; readonly object: T }
  | { readonly type: "ERROR"; readonly object: Status };

export interface WriteOptions {
  /** Runs admission and validation, stores nothing. */
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly subresource?: "status" | "scale";
  readonly signal?: AbortSignal;
}

/** "apply" is server-side apply: the patch is the full intent of `fieldManager`. */
export type Patch =
  | { readonly type: "json"; readonly body: readonly JsonPatchOperation[] }
  | { readonly type: "merge" | "strategic"; readonly body: object }
  | { readonly type: "apply"; readonly body: object; readonly force?: boolean };

export interface JsonPatchOperation {
  readonly op: "add" | "remove" | "replace" | "move" | "copy" | "test";
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

export interface DeleteOptions {
  readonly propagationPolicy?: "Foreground" | "Background" | "Orphan";
  readonly gracePeriodSeconds?: number;
  /** Deletes only this very object: a namesake made later answers with a conflict. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly signal?: AbortSignal;
}

export interface Reader<T extends KubeObject> {
  get(ref: ObjectRef, signal?: AbortSignal): Promise<T>;
  /** One page. */
  list(options?: ListOptions): Promise<KubeList<T>>;
}

export interface Writer<T extends KubeObject> {
  /** Creates in `object.metadata.namespace`. */
  create(object: T, options?: WriteOptions): Promise<T>;
  /** Replaces; a stale `metadata.resourceVersion` rejects with a conflict. */
  update(object: T, options?: WriteOptions): Promise<T>;
  updateStatus(object: T, options?: WriteOptions): Promise<T>;
  patch(ref: ObjectRef, patch: Patch, options?: WriteOptions): Promise<T>;
  delete(ref: ObjectRef, options?: DeleteOptions): Promise<void>;
}

export interface Resource<T extends KubeObject> extends Reader<T>, Writer<T> {
  readonly kind: Kind<T>;
  /**
   * Hands every event to `onEvent`, in order. Resolves when the server ends the watch, rejects when the connection
   * breaks or falls silent, or when `onEvent` throws. An informer is what most callers want.
   */
  watch(options: WatchOptions, onEvent: (event: WatchEvent<T>) => void): Promise<void>;
  deleteCollection(options?: ListOptions & DeleteOptions): Promise<void>;
}

/** A change of a cached object. Both objects are shared and must not be modified. */
export type Change<T extends KubeObject> =
  | { readonly type: "added"; readonly object: T }
  | { readonly type: "updated"; readonly object: T; readonly old: T }
  | { readonly type: "deleted"; readonly object: T };

/** Reads the cache of one kind. What it returns is shared and must not be modified. */
export interface Lister<T extends KubeObject> {
  get(ref: ObjectRef): T | undefined;
  /** All, or those of one namespace, or those that carry all these labels. */
  list(filter?: { readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> }): readonly T[];
  /** The objects that an index (see Informer.addIndex) files under `value`. */
  byIndex(index: string, value: string): readonly T[];
}

/** A cache of one kind that follows the API server for ever; see informer.ts for its guarantees. */
export interface Informer<T extends KubeObject> extends Lister<T> {
  readonly kind: Kind<T>;
  /** Calls back for every cached object (as "added"), then for every change. Returns the way to stop. */
  onChange(handler: (change: Change<T>) => void): () => void;
  /** Files objects under the values that `valuesOf` gives. Add indexes before the first `byIndex`. */
  addIndex(index: string, valuesOf: (object: T) => readonly string[]): void;
  /** Settles once the first list is in the cache and was handed to the handlers. */
  readonly synced: Promise<void>;
}

/** The shared informers of a program: one per kind (and selector), started at the first request for it. */
export interface Informers {
  of<T extends KubeObject>(kind: Kind<T>, selection?: InformerSelection): Informer<T>;
  /** Takes in what the API server has answered to a write, unless the caches are ahead of it. See write-through.ts. */
  learn(kind: Kind, object: KubeObject): void;
  /** Settles once every informer that was asked for is synced. */
  synced(): Promise<void>;
  /** Settles once all have stopped, after the signal that they were created with has aborted. */
  done(): Promise<void>;
}

/** What a reconciler's `deps` are made from. */
export interface ClusterAccess {
  readonly client: Client;
  readonly informers: Informers;
}

export interface InformerSelection {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Paths of fields that nobody reads, such as "spec.template": they are not cached. */
  readonly without?: readonly string[];
}

/** Records Events (core/v1) about the object of a pass. Repeats are counted, not repeated; failures are only logged. */
export interface EventRecorder {
  normal(reason: string, message: string): void;
  warning(reason: string, message: string): void;
}

/** What one pass over one key may use beside its long-lived `deps`. */
export interface Pass<Config> {
  /** The configuration of this whole pass: frozen, it does not change under the reconciler's feet. */
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventRecorder;
  /** Aborts when the pass takes too long (30 s) or the program ends. */
  readonly signal: AbortSignal;
}

/** What a pass found out. The framework writes `status` once, and only when it differs from the stored one. */
export interface Outcome<T extends KubeObject> {
  readonly status?: StatusOf<T>;
  /** Look at this key again after so long, although nothing changed. */
  readonly requeueAfterMs?: number;
  /** `status` is written first, then this counts as though it had been thrown. */
  readonly error?: unknown;
  /**
   * How long `status` may wait to be written, in case the next pass has something more telling. Not unless told. What the
   * next pass has may wait as long again, all together 10 s; up to four times as long while many objects of the kind wait.
   */
  readonly statusMayWaitMs?: number;
}

export type StatusOf<T> = T extends { status?: infer S } ? NonNullable<S> : never;

/**
 * Brings the world closer to what `object` asks for. Level-based: it looks at the present state only, may run at any
 * time, and does nothing when nothing is to be done. Throwing means "try again with back-off" (PermanentError: do not).
 */
export type Reconcile<T extends KubeObject, Deps, Config> = (
  object: T,
  deps: Deps,
  pass: Pass<Config>,
) => Promise<Outcome<T>>;

/** The program's configuration as it is now; see config-store.ts. */
export interface ConfigStore<Config> {
  /** Frozen, and the same object until something changes. */
  current(): Config;
  onChange(handler: (config: Config) => void): () => void;
  /** Settles once the ConfigMaps were read for the first time. */
  readonly synced: Promise<void>;
}

/** Which keys this replica is responsible for right now. Keys are "namespace/name". */
export interface Ownership {
  owns(key: string): boolean;
  /** Calls back whenever keys may have become ours; every key should then be looked at. */
  onGained(handler: () => void): () => void;
}
