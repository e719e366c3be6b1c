import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { KubeObject } from "../../apis/meta.ts";

/** An object as it is stored. `object` and `json` are shared: clone before changing anything. */
export interface Stored {
  /** "group/plural", or "plural" in the core group: versions share one storage. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  /** The revision of the last change; also `object.metadata.resourceVersion`. */
  readonly revision: number;
  readonly object: KubeObject;
  readonly json: string;
}

/** One committed write. `entry` of a deletion is the last state, with the revision of the deletion. */
export interface Change {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly revision: number;
  readonly entry: Stored;
  readonly previous: Stored | undefined;
}

export interface StorageReader {
  get(resource: string, namespace: string, name: string): Stored | undefined;
  /** In the order of "namespace/name"; all namespaces when none is given. */
  list(resource: string, namespace?: string): readonly Stored[];
}

/** Sees its own writes and those of operations before it, committed or not. */
export interface Transaction extends StorageReader {
  /** Stores under the object's own namespace and name, with the next revision. */
  put(resource: string, object: KubeObject): Stored;
  remove(resource: string, namespace: string, name: string): Stored;
}

export interface Storage extends StorageReader {
  /** The revision of the last commit. */
  readonly revision: number;
  /**
   * Runs `operation` once, soon, in order with all others, and resolves with its result once what it wrote is on
   * disk. When it throws, nothing of it is kept and the promise rejects. It must not wait for anything.
   */
  write<T>(operation: (transaction: Transaction) => T): Promise<T>;
  /** Calls back for every committed change, in order of revisions. */
  onChange(listener: (change: Change) => void): () => void;
  /** Commits what waits and closes the file. */
  close(): void;
}

interface Waiting {
  run(transaction: Transaction): void;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Opens the database of the cluster: an SQLite file in WAL mode with synchronous=FULL. All objects are also held in
 * memory, so reads never touch the disk. Writes that arrive in the same turn of the event loop share one commit.
 * Throws an error that names the file when it is no database, or may not be read and written.
 */
export function openStorage(file: string): Storage {
  const database = openDatabase(file);
  const statements = prepare(database);
  const tables = new Map<string, Table>();
  const listeners = new Set<(change: Change) => void>();
  const place = (entry: Stored) => {
    const table: Table = tables.get(entry.resource) ?? new Map();
    tables.set(entry.resource, table);
    const shelf: Shelf = table.get(entry.namespace) ?? { entries: new Map(), sorted: undefined };
    table.set(entry.namespace, shelf);
    shelf.entries.set(entry.name, entry);
    shelf.sorted = undefined;
  };
  const displace = ({ resource, namespace, name }: Stored) => {
    const shelf = tables.get(resource)?.get(namespace);
    shelf?.entries.delete(name);
    if (shelf?.entries.size === 0) tables.get(resource)!.delete(namespace);
    else if (shelf) shelf.sorted = undefined;
  };

  for (const row of statements.all.iterate() as Iterable<Row>) {
    place({ ...row, json: row.body, object: JSON.parse(row.body) as KubeObject });
  }
  let committed = (statements.revision.get() as { revision: number }).revision;
  let head = committed;
  let waiting: Waiting[] = [];
  let closed = false;

  const reader: StorageReader = {
    get: (resource, namespace, name) => tables.get(resource)?.get(namespace)?.entries.get(name),
    list(resource, namespace) {
      const table = tables.get(resource);
      if (!table) return [];
      if (namespace) return sortedOf(table.get(namespace));
      // As "namespace/name" sorts: "a-b/" comes before "a/".
      const inOrder = [...table].sort(([a], [b]) => (`${a}/` < `${b}/` ? -1 : 1));
      return inOrder.length === 1 ? sortedOf(inOrder[0]![1]) : inOrder.flatMap(([, shelf]) => sortedOf(shelf));
    },
  };

  const undo = (changes: readonly Change[]) => {
    for (const change of changes.toReversed()) {
      if (change.previous) place(change.previous);
      else displace(change.entry);
    }
  };

  const transactionOver = (changes: Change[]): Transaction => ({
    ...reader,
    put(resource, object) {
      const revision = ++head;
      const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
      const entry = stamp(resource, revision, stored);
      const previous = reader.get(resource, entry.namespace, entry.name);
      place(entry);
      changes.push({ type: previous ? "MODIFIED" : "ADDED", revision, entry, previous });
      return entry;
    },
    remove(resource, namespace, name) {
      const previous = reader.get(resource, namespace, name);
      if (!previous) throw new Error(`${resource} ${namespace}/${name} is not stored`);
      const revision = ++head;
      const metadata = { ...previous.object.metadata, resourceVersion: String(revision) };
      const entry = stamp(resource, revision, { ...previous.object, metadata });
      displace(previous);
      changes.push({ type: "DELETED", revision, entry, previous });
      return entry;
    },
  });

  const persist = (changes: readonly Change[]) => {
    if (changes.length === 0) return;
    database.exec("BEGIN IMMEDIATE");
    try {
      for (const { type, entry } of changes) {
        if (type === "DELETED") statements.remove.run(entry.resource, entry.namespace, entry.name);
        else statements.put.run(entry.resource, entry.namespace, entry.name, entry.revision, entry.json);
      }
      statements.advance.run(head);
      database.exec("COMMIT");
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  };

  const flush = () => {
    const batch = waiting;
    waiting = [];
    const all: Change[] = [];
    const done: Waiting[] = [];
    for (const job of batch) {
      const changes: Change[] = [];
      const before = head;
      try {
        job.run(transactionOver(changes));
        all.push(...changes);
        done.push(job);
      } catch (error) {
        undo(changes);
        head = before;
        job.reject(error);
      }
    }
    try {
      persist(all);
    } catch (error) {
      undo(all);
      head = committed;
      for (const job of done) job.reject(error);
      return;
    }
    committed = head;
    for (const change of all) for (const listener of listeners) listener(change);
    for (const job of done) job.resolve();
  };

  return {
    ...reader,
    get revision() {
      return committed;
    },
    write: <T>(operation: (transaction: Transaction) => T) =>
      new Promise<T>((resolve, reject) => {
        if (closed) throw new Error("the storage is closed");
        let result: T;
        waiting.push({
          run: (transaction) => {
            result = operation(transaction);
          },
          resolve: () => resolve(result),
          reject,
        });
        if (waiting.length === 1) setImmediate(() => waiting.length > 0 && flush());
      }),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      if (closed) return;
      closed = true;
      flush();
      database.close();
    },
  };
}

/** The objects of one resource, by namespace. */
type Table = Map<string, Shelf>;

/** Those of one namespace, by name. */
interface Shelf {
  readonly entries: Map<string, Stored>;
  /** The entries in order; absent after a change, until the next list. */
  sorted: readonly Stored[] | undefined;
}

function sortedOf(shelf: Shelf | undefined): readonly Stored[] {
  if (!shelf) return [];
  shelf.sorted ??= [...shelf.entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return shelf.sorted;
}

interface Row {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly body: string;
}

function openDatabase(file: string): DatabaseSync {
  try {
    const database = new DatabaseSync(file);
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      CREATE TABLE IF NOT EXISTS objects (
        resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL,
        body TEXT NOT NULL, PRIMARY KEY (resource, namespace, name)
      ) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL);
      INSERT OR IGNORE INTO state VALUES (1, 1);
    `);
    return database;
  } catch (error) {
    throw new Error(`cannot use the database ${file}: ${(error as Error).message}`, { cause: error });
  }
}

function prepare(database: DatabaseSync): Record<"all" | "revision" | "put" | "remove" | "advance", StatementSync> {
  return {
    all: database.prepare("SELECT resource, namespace, name, revision, body FROM objects"),
    revision: database.prepare("SELECT revision FROM state"),
    put: database.prepare("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)"),
    remove: database.prepare("DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?"),
    advance: database.prepare("UPDATE state SET revision = ?"),
  };
}

function stamp(resource: string, revision: number, object: KubeObject): Stored {
  const { namespace = "", name } = object.metadata;
  return { resource, namespace, name, revision, object, json: JSON.stringify(object) };
}

/** The entry as it would be with another object in it. */
export function withObject(entry: Stored, object: KubeObject): Stored {
  return { ...entry, object, json: JSON.stringify(object) };
}
