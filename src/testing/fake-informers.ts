import { apiVersionOf, type Kind } from "../apis/kind.ts";
import { type KubeObject, keyOf } from "../apis/meta.ts";
import type { Informer, InformerSelection, Informers } from "../kube/api.ts";
import { type Cache, createCache } from "../kube/cache.ts";

export interface FakeInformers extends Informers {
  /** Puts an object into the cache of its kind, as though the API server had told of it. */
  put(object: KubeObject): void;
  remove(object: KubeObject): void;
}

/**
 * Informers whose caches hold `objects`, deeply frozen, and change only by `put` and `remove`. Selections by label or
 * field are not applied: give only the objects that they select.
 */
export function fakeInformers(objects: readonly KubeObject[] = []): FakeInformers {
  const caches = new Map<string, Cache<KubeObject>>();
  const onHandlerError = (error: unknown) => {
    throw error;
  };
  const cacheOf = (apiVersion: string, kind: string) => {
    const id = `${apiVersion} ${kind}`;
    const cache = caches.get(id) ?? createCache<KubeObject>({ onHandlerError, freeze: true });
    caches.set(id, cache);
    return cache;
  };
  const put = (object: KubeObject) => cacheOf(object.apiVersion, object.kind).put(structuredClone(object));
  const remove = (object: KubeObject) => cacheOf(object.apiVersion, object.kind).remove(structuredClone(object));

  const seen = new Set<string>();
  for (const object of objects) {
    const id = `${object.apiVersion} ${object.kind} ${keyOf(object)}`;
    if (seen.has(id)) throw new Error(`the object is given twice: ${id}`);
    seen.add(id);
    put(object);
  }
  return {
    of: <T extends KubeObject>(kind: Kind<T>, _selection?: InformerSelection) => {
      const cache = cacheOf(apiVersionOf(kind), kind.kind) as unknown as Cache<T>;
      const informer: Informer<T> = { ...cache, kind, synced: Promise.resolve() };
      return informer;
    },
    learn: () => {},
    synced: async () => {},
    done: async () => {},
    put,
    remove,
  };
}
