import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { KubeObject } from "../../apis/meta.ts";
import type { Change, Stored } from "./storage.ts";

/** The objects on disk: an SQLite file in WAL mode with synchronous=FULL. */
export interface Database {
  load(): Iterable<Stored>;
  /** The revision of the last commit. */
  revision(): number;
  /** Commits changes that lead to `revision`; when it throws, none of them is kept. */
  persist(changes: readonly Change[], revision: number): void;
  close(): void;
}

/** Throws an error that names the file when it is no database, or may not be read and written. */
export function openDatabase(file: string): Database {
  const database = openFile(file);
  const statements = prepare(database);
  return {
    *load() {
      for (const row of statements.all.iterate() as Iterable<Row>) {
        yield { ...row, json: row.body, object: JSON.parse(row.body) as KubeObject };
      }
    },
    revision: () => (statements.revision.get() as { revision: number }).revision,
    persist(changes, revision) {
      if (changes.length === 0) return;
      database.exec("BEGIN IMMEDIATE");
      try {
        for (const { type, entry } of changes) {
          if (type === "DELETED") statements.remove.run(entry.resource, entry.namespace, entry.name);
          else statements.put.run(entry.resource, entry.namespace, entry.name, entry.revision, entry.json);
        }
        statements.advance.run(revision);
        database.exec("COMMIT");
      } catch (error) {
        if (database.isTransaction) database.exec("ROLLBACK");
        throw error;
      }
    },
    close: () => database.close(),
  };
}

interface Row {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly body: string;
}

function openFile(file: string): DatabaseSync {
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
