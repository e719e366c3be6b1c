import assert from "node:assert/strict";
import { test } from "node:test";
import { defineKind, type Kind } from "../apis/kind.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { createLogger, silentLogger } from "../lib/log.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import { type HostileServer, summarize, type WatchEnd } from "../testing/hostile-server.ts";
import { agreement, startInformer, Thing, withThree } from "../testing/informer-setup.ts";
import type { Client } from "./api.ts";
import { apiError, ConnectionError } from "./errors.ts";
import { createInformers } from "./informer.ts";

const Other = defineKind({
  group: "test.dev",
  version: "v1",
  kind: "Other",
  plural: "others",
  description: "",
  properties: {},
});

test("the first list is read in pages and handed over before synced", async (t) => {
  const { things, changes, server } = await startInformer(t, systemClock, (server) => {
    for (let i = 0; i < 8; i++) server.put(`t${i}`, "1");
  });
  await things.synced;
  assert.equal(changes.length, 8);
  assert.equal(server.requests.filter(({ type }) => type === "list").length, 3);
  assert.equal(things.get({ namespace: "ns", name: "t7" })?.kind, "Thing");
  assert.equal(things.get({ namespace: "ns", name: "t7" })?.metadata.managedFields, undefined);
});

test("a watch asks for bookmarks and for a random end between 300 and 600 seconds", async (t) => {
  const { server } = await startInformer(t, systemClock, withThree, { random: () => 0.5 });
  const { url } = await server.nextRequest("watch");
  assert.equal(url.searchParams.get("allowWatchBookmarks"), "true");
  assert.equal(url.searchParams.get("timeoutSeconds"), "450");
});

for (const how of ["end", "reset", "midEvent", "garbage"] as const satisfies readonly WatchEnd[]) {
  test(`after a watch ended by ${how} it goes on from the last version, without a list`, async (t) => {
    const setup = await startInformer(t, systemClock, withThree);
    const { server, things, changes } = setup;
    await server.nextRequest("watch");
    server.put("a", "2");
    await agreement(setup);
    server.breakWatches(how);
    server.put("a", "3");
    server.remove("b");
    server.put("d", "1");
    await agreement(setup);
    assert.deepEqual(changes.slice(3), ["updated a=2", "updated a=3", "deleted b=1", "added d=1"]);
    assert.equal(server.requests.filter(({ type }) => type === "list").length, 1);
    assert.equal(things.list().length, 3);
  });
}

test("a bookmark moves the version on, so that a compaction before it does no harm", async (t) => {
  const setup = await startInformer(t, systemClock, withThree);
  const { server } = setup;
  await server.nextRequest("watch");
  server.put("a", "2");
  server.bookmark();
  await agreement(setup);
  server.compact();
  server.breakWatches("end");
  await server.nextRequest("watch");
  server.put("a", "3");
  await agreement(setup);
  assert.equal(server.requests.filter(({ type }) => type === "list").length, 1);
});

test("410 means a new list, of which handlers get the differences and readers never see a gap", async (t) => {
  const setup = await startInformer(t, systemClock, withThree);
  const { server, things, changes } = setup;
  await server.nextRequest("watch");
  server.breakWatches("silence");
  const smallest: number[] = [];
  things.onChange(() => smallest.push(things.list().length));
  server.put("a", "2");
  server.remove("b");
  server.remove("c");
  server.put("c", "again");
  server.compact();
  await server.stop();
  await server.start();
  await agreement(setup);
  assert.deepEqual(changes.slice(3).sort(), ["added c=again", "deleted b=1", "deleted c=1", "updated a=2"]);
  assert.ok(Math.min(...smallest) >= 1);
});

test("a list whose pages expire is read again in one piece", async (t) => {
  const setup = await startInformer(t, systemClock, (server) => {
    for (let i = 0; i < 5; i++) server.put(`t${i}`, "1");
    void server.nextRequest("list").then(() => setImmediate(() => server.compact()));
    server.failNext("list", { type: "status", code: 410, reason: "Expired" });
  });
  await setup.things.synced;
  assert.equal(setup.things.list().length, 5);
});

test("a silent half-open connection is given up after the inactivity deadline", async (t) => {
  const setup = await startInformer(t, systemClock, withThree, { inactivityMs: 30 });
  await setup.server.nextRequest("watch");
  setup.server.breakWatches("silence");
  setup.server.put("a", "2");
  await agreement(setup);
  assert.deepEqual(setup.changes.slice(3), ["updated a=2"]);
});

test("a server that sends no bookmarks is watched on without pauses and warnings", async (t) => {
  const said: string[] = [];
  const log = createLogger("test", "info", { write: (line: string) => said.push(line) });
  const setup = await startInformer(t, systemClock, withThree, {
    inactivityMs: 10,
    backoff: { baseMs: 3_600_000, maxMs: 3_600_000 },
    log,
  });
  for (let i = 0; i < 6; i++) await setup.server.nextRequest("watch");
  setup.server.put("a", "2");
  await agreement(setup);
  assert.deepEqual(said, []);
});

test("a version that the server has yet to reach, after it was restored from a backup, is given up", async (t) => {
  const setup = await startInformer(t, systemClock, withThree, { inactivityMs: 20 });
  const { server } = setup;
  await server.nextRequest("watch");
  server.put("a", "2");
  await agreement(setup);
  server.rewind();
  server.put("b", "restored");
  await agreement(setup);
  assert.equal(server.requests.filter(({ type }) => type === "list").length, 2);
});

test("events that come twice or late change nothing in the end", async (t) => {
  const setup = await startInformer(t, systemClock, withThree);
  const { server, things, changes } = setup;
  await server.nextRequest("watch");
  server.put("a", "2");
  server.repeat(1);
  server.remove("b");
  server.repeat(1);
  server.put("a", "3");
  server.put("d", "1");
  server.repeat(3);
  await agreement(setup);
  server.put("last", "1");
  await agreement(setup);
  assert.deepEqual(summarize(things.list()), summarize(server.objects()));
  assert.equal(changes.filter((change) => change === "deleted b=1").length, 1);
});

const faults = {
  "a refused list": (server: HostileServer) => server.failNext("list", { type: "status", code: 500 }),
  "a reset list": (server: HostileServer) => server.failNext("list", { type: "reset" }),
  "a list that is no JSON": (server: HostileServer) => server.failNext("list", { type: "garbage" }),
  "a list that breaks off": (server: HostileServer) => server.failNext("list", { type: "truncated" }),
  "slow headers": (server: HostileServer) => server.failNext("list", { type: "hang" }),
  "a watch with slow headers": (server: HostileServer) => server.failNext("watch", { type: "hang" }),
  "a refused watch": (server: HostileServer) => server.failNext("watch", { type: "status", code: 403 }),
};
for (const [name, fail] of Object.entries(faults)) {
  test(`${name} is tried again`, async (t) => {
    const prepare = (server: HostileServer) => {
      withThree(server);
      fail(server);
    };
    const setup = await startInformer(t, systemClock, prepare, { timeoutMs: 100 });
    await setup.things.synced;
    setup.server.put("a", "2");
    await agreement(setup);
    assert.deepEqual(setup.changes.slice(3).concat("updated a=2")[0], "updated a=2");
  });
}

test("a server that is down is waited for", async (t) => {
  const setup = await startInformer(t, systemClock, withThree);
  await setup.server.nextRequest("watch");
  await setup.server.stop();
  setup.server.put("a", "2");
  setup.server.remove("b");
  await setup.server.start();
  await agreement(setup);
  assert.deepEqual(setup.changes.slice(3), ["updated a=2", "deleted b=1"]);
});

interface Script {
  readonly list?: () => Promise<unknown>;
  readonly watch?: () => Promise<void>;
}

/** Informers of resources that answer as told, on a clock of their own; by the plural. */
function startScripted(
  write: (clock: Clock, signal: AbortSignal) => Readonly<Record<string, Script>>,
  ...kinds: Kind[]
) {
  const clock = fakeClock();
  const stopping = new AbortController();
  const { signal } = stopping;
  const defaults = { list: emptyList, watch: () => clock.sleep(1e9, signal) };
  const scripts = write(clock, signal);
  const informers = createInformers({
    client: { of: ({ plural }: Kind) => ({ ...defaults, ...scripts[plural] }) } as unknown as Client,
    clock,
    log: silentLogger,
    signal,
    random: () => 1,
  });
  for (const kind of kinds) informers.of(kind);
  const stop = async () => {
    stopping.abort();
    await informers.done();
    assert.equal(clock.pendingTimers(), 0);
  };
  return { clock, stop };
}

const emptyList = async () => ({ metadata: { resourceVersion: "1" }, items: [] });

const refuse = async () => {
  throw new ConnectionError("connect ECONNREFUSED");
};

test("watches that end at once are followed by longer and longer pauses, one that lasted by none", async () => {
  const lastMs = [0, 0, 999, 1000, 0];
  const began: number[] = [];
  const { clock, stop } = startScripted((clock, signal) => {
    const watch = async () => {
      began.push(clock.monotonic());
      await clock.sleep(lastMs[began.length - 1] ?? 1e9, signal);
    };
    return { things: { watch } };
  }, Thing);
  await clock.advance(10_000);
  assert.deepEqual(began, [0, 100, 300, 1699, 2699, 2799]);
  await stop();
});

test("a quiet watch that breaks is resumed soon, however often that happens", async () => {
  const began: number[] = [];
  const { clock, stop } = startScripted((clock, signal) => {
    const watch = async () => {
      began.push(clock.monotonic());
      await clock.sleep(2000, signal);
      throw new ConnectionError("aborted");
    };
    return { things: { watch } };
  }, Thing);
  await clock.advance(9000);
  assert.deepEqual(began, [0, 2100, 4200, 6300, 8400]);
  await stop();
});

test("a version too old after an outage: the list is read soon, but not in a loop", async () => {
  const lists: number[] = [];
  const { clock, stop } = startScripted((clock, signal) => {
    const list = async () => {
      lists.push(clock.monotonic());
      return emptyList();
    };
    let watches = 0;
    const watch = async () => {
      watches++;
      if (watches === 1) await clock.sleep(1000, signal);
      if (watches <= 5) await refuse();
      throw apiError(410, "Expired", "too old resource version");
    };
    return { things: { list, watch } };
  }, Thing);
  await clock.advance(10_000);
  // The outage ends for this watch at 1000 + 100 + 200 + 400 + 800 + 1600.
  assert.deepEqual(lists, [0, 4200, 4400, 4800, 5600, 7200]);
  await stop();
});

test("after an outage all catch up as soon as one has reached the server, but once in five seconds", async () => {
  const attempts: number[] = [];
  const { clock, stop } = startScripted(
    (clock, signal) => {
      const early = {
        list: () => (clock.monotonic() < 6000 ? refuse() : emptyList()),
        watch: async () => {
          await clock.sleep(1200, signal);
          if (clock.monotonic() < 8000) await refuse();
          throw apiError(410, "Expired", "too old resource version");
        },
      };
      const late = {
        list: async () => {
          attempts.push(clock.monotonic());
          if (attempts.length === 1) await clock.sleep(1500, signal);
          await refuse();
        },
      };
      return { things: early, others: late };
    },
    Thing,
    Other,
  );
  await clock.advance(12_000);
  // The early one gets through at 6300 and, after it was refused once more, at 8800.
  assert.deepEqual(attempts, [0, 1600, 1800, 2200, 3000, 4600, 6300, 11_300]);
  await stop();
});
