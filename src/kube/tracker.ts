import { apiVersionOf, type Kind } from "../apis/kind.ts";
import { type KubeObject, keyOf } from "../apis/meta.ts";
import type { Informer, ObjectRef } from "./api.ts";

/** An object, which may not exist yet, that another one depends upon. */
export interface TrackedReference extends ObjectRef {
  readonly kind: Kind;
}

/** Remembers which keys depend on which objects, so that they are looked at again when those appear, change or go. */
export interface Tracker {
  /** From now on `key` depends on exactly these. Call it before reading them, lest a change in between is missed. */
  track(key: string, references: readonly TrackedReference[]): void;
  /** The keys that depend on this object: made to be the `keysOf` of a watch. */
  keysOf(object: KubeObject): readonly string[];
}

/** Creates a tracker for the keys of one kind, of which one that is deleted depends on nothing any more. */
export function createTracker<T extends KubeObject>(ofKeys: Pick<Informer<T>, "onChange">): Tracker {
  const dependents = new Map<string, Set<string>>();
  const referencesOf = new Map<string, ReadonlySet<string>>();

  const tracker: Tracker = {
    track(key, references) {
      const wanted = new Set(
        references.map((to) => idOf(apiVersionOf(to.kind), to.kind.kind, keyOf({ metadata: to }))),
      );
      for (const id of referencesOf.get(key) ?? []) {
        if (wanted.has(id)) continue;
        const keys = dependents.get(id);
        keys?.delete(key);
        if (keys?.size === 0) dependents.delete(id);
      }
      for (const id of wanted) {
        const keys = dependents.get(id) ?? new Set();
        dependents.set(id, keys.add(key));
      }
      if (wanted.size > 0) referencesOf.set(key, wanted);
      else referencesOf.delete(key);
    },
    keysOf: (object) => [...(dependents.get(idOf(object.apiVersion, object.kind, keyOf(object))) ?? [])],
  };
  ofKeys.onChange(({ type, object }) => {
    if (type === "deleted") tracker.track(keyOf(object), []);
  });
  return tracker;
}

function idOf(apiVersion: string, kind: string, key: string): string {
  return `${apiVersion} ${kind} ${key}`;
}
