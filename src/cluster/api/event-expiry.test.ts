import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { KubeObject } from "../../apis/meta.ts";
import { silentLogger } from "../../lib/log.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import type { Api } from "./call.ts";
import { expireEvents } from "./event-expiry.ts";
import { openStorage } from "./storage.ts";

test("events go an hour after they were last seen", async () => {
  const directory = mkdtempSync(join(tmpdir(), "hakn-events-"));
  const storage = openStorage(join(directory, "test.db"));
  const clock = fakeClock(Date.parse("2026-01-01T12:00:00Z"));
  const event = (name: string, more: object): KubeObject => ({
    apiVersion: "v1",
    kind: "Event",
    metadata: { name, namespace: "ns", creationTimestamp: "2026-01-01T10:00:00Z" },
    ...more,
  });
  await storage.write((transaction) => {
    transaction.put("events", event("old", {}));
    transaction.put("events", event("seen", { lastTimestamp: "2026-01-01T11:30:00Z" }));
    transaction.put("events", event("repeated", { series: { lastObservedTime: "2026-01-01T11:59:00.000000Z" } }));
  });
  const names = () => storage.list("events").map(({ name }) => name);
  const settled = async () => storage.write(() => {});
  const stop = expireEvents({ storage, clock, log: silentLogger } as unknown as Api);
  await clock.advance(0);
  await settled();
  assert.deepEqual(names(), ["repeated", "seen"]);
  await clock.advance(35 * 60_000);
  await settled();
  assert.deepEqual(names(), ["repeated"]);
  stop();
  storage.close();
  rmSync(directory, { recursive: true });
});
