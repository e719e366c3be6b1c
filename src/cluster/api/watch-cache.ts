import type { Change, Storage, Stored } from "./storage.ts";

/** The recent past of every resource: what watches resume from and consistent pages are cut from. */
export interface WatchCache {
  /** The changes after `revision`, or undefined when part of them is forgotten (410 Gone). */
  since(resource: string, revision: number): readonly Change[] | undefined;
  /** The objects as they were at `revision`, in list order, or undefined when that is forgotten. */
  snapshotAt(resource: string, revision: number, namespace?: string): readonly Stored[] | undefined;
  /** Calls back for every change of the resource from now on. */
  subscribe(resource: string, listener: (change: Change) => void): () => void;
  close(): void;
}

interface Lane {
  changes: Change[];
  /** Changes up to and including this revision are forgotten. */
  forgotten: number;
  readonly listeners: Set<(change: Change) => void>;
}

/**
 * Remembers up to `capacity` changes of each resource since the server started; revisions from before its start are
 * too old, as after a compaction of etcd.
 */
export function createWatchCache(storage: Storage, capacity = 1000): WatchCache {
  const lanes = new Map<string, Lane>();
  const started = storage.revision;
  const laneOf = (resource: string): Lane => {
    let lane = lanes.get(resource);
    if (!lane) {
      lane = { changes: [], forgotten: started, listeners: new Set() };
      lanes.set(resource, lane);
    }
    return lane;
  };
  const stop = storage.onChange((change) => {
    const lane = laneOf(change.entry.resource);
    lane.changes.push(change);
    // Trimmed in strides, so that a full lane does not shift its whole array on every change.
    if (lane.changes.length >= capacity * 2) {
      const dropped = lane.changes.splice(0, lane.changes.length - capacity);
      lane.forgotten = dropped.at(-1)!.revision;
    }
    for (const listener of lane.listeners) listener(change);
  });
  const since = (resource: string, revision: number) => {
    const lane = laneOf(resource);
    if (revision < lane.forgotten) return undefined;
    return lane.changes.slice(firstAfter(lane.changes, revision));
  };
  return {
    since,
    snapshotAt(resource, revision, namespace) {
      const current = storage.list(resource, namespace);
      if (revision === storage.revision) return current;
      const later = since(resource, revision);
      if (!later) return undefined;
      const entries = new Map(current.map((entry) => [`${entry.namespace}/${entry.name}`, entry]));
      for (const { entry, previous } of later.toReversed()) {
        if (namespace && entry.namespace !== namespace) continue;
        if (previous) entries.set(`${entry.namespace}/${entry.name}`, previous);
        else entries.delete(`${entry.namespace}/${entry.name}`);
      }
      return [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
    },
    subscribe(resource, listener) {
      const { listeners } = laneOf(resource);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      stop();
    },
  };
}

/** Index of the first change later than `revision`; changes are in order. */
function firstAfter(changes: readonly Change[], revision: number): number {
  let low = 0;
  let high = changes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (changes[middle]!.revision <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
