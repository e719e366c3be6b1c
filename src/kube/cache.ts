import { type KubeObject, keyOf } from "../apis/meta.ts";
import { deepFreeze } from "../lib/freeze.ts";
import type { Change, Lister } from "./api.ts";

/** The cached objects of one kind, their indexes and those who want to hear of changes. */
export interface Cache<T extends KubeObject> extends Lister<T> {
  /** Takes in an object that exists. One that is cached in this very version is no change. */
  put(object: T): void;
  /** Takes out an object. One that is not cached, or only as a namesake made later, is no change. */
  remove(object: T): void;
  /** Takes in a full list: whatever is missing in it is gone. */
  replace(objects: readonly T[]): void;
  onChange(handler: (change: Change<T>) => void): () => void;
  addIndex(index: string, valuesOf: (object: T) => readonly string[]): void;
}

export interface CacheOptions {
  /** Freezes objects deeply, so that whoever modifies shared objects fails at once. For tests. */
  readonly freeze?: boolean;
  /** A handler threw: the other handlers go on. */
  readonly onHandlerError: (error: unknown) => void;
}

interface Index<T> {
  readonly valuesOf: (object: T) => readonly string[];
  readonly filed: Map<string, Map<string, T>>;
}

/** Creates an empty cache. Handlers are called synchronously, in the order of the changes. */
export function createCache<T extends KubeObject>(options: CacheOptions): Cache<T> {
  const namespaces = new Map<string, Map<string, T>>();
  const indexes = new Map<string, Index<T>>();
  const handlers = new Set<(change: Change<T>) => void>();

  const call = (handler: (change: Change<T>) => void, change: Change<T>) => {
    try {
      handler(change);
    } catch (error) {
      options.onHandlerError(error);
    }
  };
  const emit = (change: Change<T>) => {
    for (const handler of handlers) call(handler, change);
  };

  const find = (object: T) => namespaces.get(object.metadata.namespace ?? "")?.get(object.metadata.name);

  const file = (index: Index<T>, object: T) => {
    for (const value of index.valuesOf(object)) {
      const objects = index.filed.get(value) ?? new Map<string, T>();
      index.filed.set(value, objects.set(keyOf(object), object));
    }
  };
  const unfile = (index: Index<T>, object: T) => {
    for (const value of index.valuesOf(object)) {
      const objects = index.filed.get(value);
      objects?.delete(keyOf(object));
      if (objects?.size === 0) index.filed.delete(value);
    }
  };

  const store = (object: T) => {
    const { namespace = "", name } = object.metadata;
    const names = namespaces.get(namespace) ?? new Map<string, T>();
    namespaces.set(namespace, names.set(name, object));
    for (const index of indexes.values()) file(index, object);
  };
  const drop = (object: T) => {
    const { namespace = "", name } = object.metadata;
    const names = namespaces.get(namespace);
    names?.delete(name);
    if (names?.size === 0) namespaces.delete(namespace);
    for (const index of indexes.values()) unfile(index, object);
  };

  const put = (object: T) => {
    const old = find(object);
    if (old && isSameObject(old, object) && old.metadata.resourceVersion === object.metadata.resourceVersion) return;
    if (options.freeze) deepFreeze(object);
    if (old) drop(old);
    if (old && !isSameObject(old, object)) {
      // The deletion of the namesake was missed.
      emit({ type: "deleted", object: old });
      store(object);
      emit({ type: "added", object });
    } else {
      store(object);
      emit(old ? { type: "updated", object, old } : { type: "added", object });
    }
  };

  const all = function* () {
    for (const names of namespaces.values()) yield* names.values();
  };

  return {
    put,
    remove(object) {
      const old = find(object);
      if (!old || !isSameObject(old, object)) return;
      if (options.freeze) deepFreeze(object);
      drop(old);
      // The last state is the one that came with the deletion.
      emit({ type: "deleted", object });
    },
    replace(objects) {
      const present = new Set(objects.map(keyOf));
      for (const old of [...all()]) {
        if (present.has(keyOf(old))) continue;
        drop(old);
        emit({ type: "deleted", object: old });
      }
      for (const object of objects) put(object);
    },
    onChange(handler) {
      handlers.add(handler);
      for (const object of [...all()]) call(handler, { type: "added", object });
      return () => handlers.delete(handler);
    },
    addIndex(name, valuesOf) {
      const index: Index<T> = { valuesOf, filed: new Map() };
      for (const object of all()) file(index, object);
      indexes.set(name, index);
    },
    get: (ref) => namespaces.get(ref.namespace ?? "")?.get(ref.name),
    list(filter = {}) {
      const found = filter.namespace === undefined ? all() : (namespaces.get(filter.namespace)?.values() ?? []);
      if (!filter.labels) return [...found];
      const wanted = Object.entries(filter.labels);
      return [...found].filter(({ metadata }) => wanted.every(([key, value]) => metadata.labels?.[key] === value));
    },
    byIndex(name, value) {
      const index = indexes.get(name);
      if (!index) throw new Error(`no index "${name}": call addIndex first`);
      return [...(index.filed.get(value)?.values() ?? [])];
    },
  };
}

function isSameObject(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.uid === b.metadata.uid || a.metadata.uid === undefined || b.metadata.uid === undefined;
}
