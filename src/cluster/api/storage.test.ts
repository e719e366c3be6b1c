import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { KubeObject } from "../../apis/meta.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import { type Change, openStorage, type Storage } from "./storage.ts";
import { createWatchCache } from "./watch-cache.ts";

const object = (name: string, value = "", namespace = "ns"): KubeObject =>
  ({ apiVersion: "v1", kind: "Thing", metadata: { name, namespace }, value }) as KubeObject;

const names = (entries: readonly { readonly name: string }[] | undefined) => entries?.map(({ name }) => name);

describe("storage", () => {
  let directory: string;
  let storage: Storage;
  const open = () => openStorage(join(directory, "test.db"));

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "hakn-storage-"));
    storage = open();
  });

  afterEach(() => {
    storage.close();
    rmSync(directory, { recursive: true });
  });

  test("what was acknowledged is there after a restart, and revisions go on growing", async () => {
    await storage.write((transaction) => transaction.put("things", object("a", "1")));
    await storage.write((transaction) => transaction.put("things", object("b")));
    await storage.write((transaction) => transaction.remove("things", "ns", "b"));
    const { revision } = storage;
    storage.close();
    storage = open();
    assert.equal(storage.revision, revision);
    assert.deepEqual(names(storage.list("things")), ["a"]);
    const next = await storage.write((transaction) => transaction.put("things", object("b")));
    assert.equal(next.revision, revision + 1);
    assert.equal(next.object.metadata.resourceVersion, String(revision + 1));
  });

  test("an operation that throws leaves nothing behind, whatever it wrote before", async () => {
    await storage.write((transaction) => transaction.put("things", object("a", "old")));
    const { revision } = storage;
    const changes: Change[] = [];
    storage.onChange((change) => changes.push(change));
    const failing = storage.write((transaction) => {
      transaction.put("things", object("a", "new"));
      transaction.put("things", object("b"));
      transaction.remove("things", "ns", "a");
      throw new Error("no");
    });
    const passing = storage.write((transaction) => transaction.get("things", "ns", "a")?.json);
    await assert.rejects(failing, /no/);
    assert.match((await passing) ?? "", /old/);
    assert.equal(storage.revision, revision);
    assert.deepEqual(changes, []);
  });

  test("operations see those before them, though all share one commit", async () => {
    const counts = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        storage.write((transaction) => {
          transaction.put("things", object(`n${index}`));
          return transaction.list("things").length;
        }),
      ),
    );
    assert.deepEqual(
      counts,
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
  });

  test("readers do not see a write before it is committed", async () => {
    const written = storage.write((transaction) => transaction.put("things", object("a")));
    assert.equal(storage.get("things", "ns", "a"), undefined);
    await written;
    assert.equal(storage.get("things", "ns", "a")?.name, "a");
  });

  test("lists are in the order of namespace and name", async () => {
    await storage.write((transaction) => {
      for (const [name, namespace] of [
        ["b", "y"],
        ["a", "z"],
        ["c", "x"],
        ["a", "y"],
      ] as const) {
        transaction.put("things", object(name, "", namespace));
      }
    });
    assert.deepEqual(
      storage.list("things").map((entry) => `${entry.namespace}/${entry.name}`),
      ["x/c", "y/a", "y/b", "z/a"],
    );
    assert.deepEqual(names(storage.list("things", "y")), ["a", "b"]);
  });

  test("the watch cache resumes after a revision, and says when it has forgotten", async () => {
    const cache = createWatchCache(storage, fakeClock(), 4);
    const put = (name: string) => storage.write((transaction) => transaction.put("things", object(name)));
    const start = storage.revision;
    await put("a");
    const afterA = storage.revision;
    await put("b");
    await storage.write((transaction) => transaction.remove("things", "ns", "a"));
    assert.deepEqual(
      cache.since("things", start)?.map(({ type, entry }) => `${type} ${entry.name}`),
      ["ADDED a", "ADDED b", "DELETED a"],
    );
    assert.deepEqual(names(cache.since("things", afterA)?.map(({ entry }) => entry)), ["b", "a"]);
    assert.deepEqual(cache.since("things", storage.revision), []);
    for (const name of ["c", "d", "e", "f", "g"]) await put(name);
    assert.equal(cache.since("things", start), undefined);
    assert.equal(cache.since("things", storage.revision)?.length, 0);
    cache.close();
  });

  test("the watch cache forgets what is older than five minutes, and then whoever has not seen it begins anew", async () => {
    const clock = fakeClock();
    const cache = createWatchCache(storage, clock);
    const put = (name: string) => storage.write((transaction) => transaction.put("things", object(name)));
    const start = storage.revision;
    await put("a");
    const afterA = storage.revision;
    await clock.advance(4 * 60_000);
    await put("b");
    const afterB = storage.revision;
    const seen = (revision: number) => cache.since("things", revision)?.map(({ entry }) => entry.name);
    assert.deepEqual(seen(start), ["a", "b"]);
    await clock.advance(2 * 60_000);
    assert.equal(seen(start), undefined);
    assert.deepEqual(seen(afterA), ["b"]);
    await clock.advance(10 * 60_000);
    assert.equal(seen(afterA), undefined);
    assert.deepEqual(seen(afterB), []);
    cache.close();
    assert.equal(clock.pendingTimers(), 0);
  });

  test("a snapshot shows the objects as they were", async () => {
    const cache = createWatchCache(storage, fakeClock());
    await storage.write((transaction) => transaction.put("things", object("a", "1")));
    await storage.write((transaction) => transaction.put("things", object("b", "1")));
    const then = storage.revision;
    await storage.write((transaction) => transaction.put("things", object("a", "2")));
    await storage.write((transaction) => transaction.remove("things", "ns", "b"));
    await storage.write((transaction) => transaction.put("things", object("c", "1")));
    const snapshot = cache.snapshotAt("things", then);
    assert.deepEqual(
      snapshot?.map((entry) => `${entry.name}=${(entry.object as KubeObject & { value?: string }).value}`),
      ["a=1", "b=1"],
    );
    assert.deepEqual(names(cache.snapshotAt("things", storage.revision)), ["a", "c"]);
    cache.close();
  });
});
