import type { KubeObject } from "../../apis/meta.ts";
import { openDatabase } from "./database.ts";
import { createShelves } from "./shelves.ts";

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
 * Opens the database of the cluster, and reads all of it into memory. Writes that arrive in the same turn of the event
 * loop share one commit. Throws an error that names the file when it is no database, or may not be read and written.
 */
export function openStorage(file: string): Storage {
  const database = openDatabase(file);
  const { place, displace, ...reader } = createShelves();
  for (const entry of database.load()) place(entry);
  const listeners = new Set<(change: Change) => void>();
  let committed = database.revision();
  let head = committed;
  let waiting: Waiting[] = [];
  let closed = false;

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
      database.persist(all, head);
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

function stamp(resource: string, revision: number, object: KubeObject): Stored {
  const { namespace = "", name } = object.metadata;
  return { resource, namespace, name, revision, object, json: JSON.stringify(object) };
}

/** The entry as it would be with another object in it. */
export function withObject(entry: Stored, object: KubeObject): Stored {
  return { ...entry, object, json: JSON.stringify(object) };
}
