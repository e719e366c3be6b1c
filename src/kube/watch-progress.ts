import { type KubeObject, keyOf } from "../apis/meta.ts";

/** How far a watch has got, and what its program has written beyond that. */
export interface Progress {
  /** The version that a watch goes on from; undefined where a list is needed. */
  version(): string | undefined;
  /** Goes on from a list of this version. */
  restart(version: string | undefined): void;
  /** Takes in the version of a watch event. Whether the event is older than what the program itself has written. */
  take(object: KubeObject): boolean;
  /** Whether the answer to a write is newer than all that the watch has told; then it is remembered. */
  isAhead(object: KubeObject): boolean;
}

/**
 * Creates it. Versions of one kind are compared as numbers, as the API server makes them; an answer whose version is
 * none is left to the watch.
 */
export function createProgress(): Progress {
  let version: string | undefined;
  /** What was written and not told by the watch yet. The watch tells of each of them: it begins at a lower version. */
  const written = new Map<string, number>();
  return {
    version: () => version,
    restart(from) {
      version = from;
      written.clear();
    },
    take({ metadata }) {
      version = metadata.resourceVersion;
      if (written.size === 0 || !metadata.name) return false;
      const key = keyOf({ metadata });
      const ours = written.get(key);
      if (ours === undefined) return false;
      if (Number(version) < ours) return true;
      written.delete(key);
      return false;
    },
    isAhead({ metadata }) {
      const number = Number(metadata.resourceVersion);
      const key = keyOf({ metadata });
      if (version === undefined || !(number > Number(version)) || number <= (written.get(key) ?? 0)) return false;
      written.set(key, number);
      return true;
    },
  };
}
