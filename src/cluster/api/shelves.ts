import type { StorageReader, Stored } from "./storage.ts";

/** The stored objects in memory, so that reads never touch the disk. */
export interface Shelves extends StorageReader {
  /** Puts an entry in, in place of the one before it. */
  place(entry: Stored): void;
  displace(entry: Stored): void;
}

/** The objects of one resource, by namespace. */
type Table = Map<string, Shelf>;

/** Those of one namespace, by name. */
interface Shelf {
  readonly entries: Map<string, Stored>;
  /** The entries in order; absent after a change, until the next list. */
  sorted: readonly Stored[] | undefined;
}

export function createShelves(): Shelves {
  const tables = new Map<string, Table>();
  return {
    get: (resource, namespace, name) => tables.get(resource)?.get(namespace)?.entries.get(name),
    list(resource, namespace) {
      const table = tables.get(resource);
      if (!table) return [];
      if (namespace) return sortedOf(table.get(namespace));
      // As "namespace/name" sorts: "a-b/" comes before "a/".
      const inOrder = [...table].sort(([a], [b]) => (`${a}/` < `${b}/` ? -1 : 1));
      return inOrder.length === 1 ? sortedOf(inOrder[0]![1]) : inOrder.flatMap(([, shelf]) => sortedOf(shelf));
    },
    place(entry) {
      const table: Table = tables.get(entry.resource) ?? new Map();
      tables.set(entry.resource, table);
      const shelf: Shelf = table.get(entry.namespace) ?? { entries: new Map(), sorted: undefined };
      table.set(entry.namespace, shelf);
      shelf.entries.set(entry.name, entry);
      shelf.sorted = undefined;
    },
    displace({ resource, namespace, name }) {
      const shelf = tables.get(resource)?.get(namespace);
      shelf?.entries.delete(name);
      if (shelf?.entries.size === 0) tables.get(resource)!.delete(namespace);
      else if (shelf) shelf.sorted = undefined;
    },
  };
}

function sortedOf(shelf: Shelf | undefined): readonly Stored[] {
  if (!shelf) return [];
  shelf.sorted ??= [...shelf.entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return shelf.sorted;
}
