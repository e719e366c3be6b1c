import type { ServedResource } from "./resource.ts";

/** Everything that is served right now: built-in kinds for ever, custom ones as their definitions come and go. */
export interface Registry {
  find(group: string, version: string, plural: string): ServedResource | undefined;
  /** The version that objects of a storage key are written as. */
  stored(key: string): ServedResource | undefined;
  byKind(group: string, kind: string): ServedResource | undefined;
  all(): readonly ServedResource[];
  /** Replaces what is served under an owner's name (a CRD's); an empty list withdraws it. */
  set(owner: string, resources: readonly ServedResource[]): void;
  /** Grows with every change, for caches of documents made from the registry. */
  readonly generation: number;
}

export function createRegistry(builtIns: readonly ServedResource[]): Registry {
  const custom = new Map<string, readonly ServedResource[]>();
  let generation = 1;
  let all: readonly ServedResource[] = builtIns;
  let byPath = index(all);
  return {
    find: (group, version, plural) => byPath.get(`${group}/${version}/${plural}`),
    stored: (key) => all.find((resource) => resource.key === key && resource.version === resource.storageVersion),
    byKind: (group, kind) =>
      all.find(
        (resource) =>
          resource.group === group && resource.kind === kind && resource.version === resource.storageVersion,
      ),
    all: () => all,
    set(owner, resources) {
      if (resources.length === 0) custom.delete(owner);
      else custom.set(owner, resources);
      all = [...builtIns, ...[...custom.values()].flat()];
      byPath = index(all);
      generation++;
    },
    get generation() {
      return generation;
    },
  };
}

function index(resources: readonly ServedResource[]): Map<string, ServedResource> {
  return new Map(resources.map((resource) => [`${resource.group}/${resource.version}/${resource.plural}`, resource]));
}
