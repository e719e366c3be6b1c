import type { Clock } from "../../lib/clock.ts";
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

/** Changes are remembered for so long, as by etcd, which kube-apiserver compacts every five minutes. */
const keptMs = 5 * 60_000;
const forgettingIntervalMs = 60_000;

/**
 * Remembers up to `capacity` changes of each resource for some minutes; older revisions, and those from before the
 * server's start, are too old, as after a compaction of etcd.
 */
export function createWatchCache(storage: Storage, clock: Clock, capacity = 1000): WatchCache {
  const lanes = new Map<string, Lane>();
  const started = storage.revision;
  /** Which revision was the last at some times of the recent past, the oldest first. */
  const marks: { readonly atMs: number; readonly revision: number }[] = [];
  const forget = () => {
    const now = clock.monotonic();
    marks.push({ atMs: now, revision: storage.revision });
    const oldMarks = marks.filter(({ atMs }) => now - atMs >= keptMs).length;
    const oldest = marks.splice(0, oldMarks).at(-1);
    if (oldest) for (const lane of lanes.values()) drop(lane, firstAfter(lane.changes, oldest.revision));
    cancelForgetting = clock.setTimer(forgettingIntervalMs, forget);
  };
  let cancelForgetting = clock.setTimer(forgettingIntervalMs, forget);
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
    if (lane.changes.length >= capacity * 2) drop(lane, lane.changes.length - capacity);
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
      cancelForgetting();
      stop();
    },
  };
}

/** Forgets the first `count` changes. */
function drop(lane: Lane, count: number): void {
  if (count > 0) lane.forgotten = lane.changes.splice(0, count).at(-1)!.revision;
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
