import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { defineKind, type ObjectOf } from "../apis/kind.ts";
import type { KubeObject } from "../apis/meta.ts";
import { systemClock } from "../lib/clock.ts";
import { createLogger, silentLogger } from "../lib/log.ts";
import { type HostileServer, startHostileServer, summarize, type WatchEnd } from "../testing/hostile-server.ts";
import type { Change, Informer, Informers } from "./api.ts";
import { createClient } from "./client.ts";
import { createInformers, type InformersConfig } from "./informer.ts";

const Thing = defineKind({
  group: "test.dev",
  version: "v1",
  kind: "Thing",
  plural: "things",
  description: "A thing.",
  properties: { data: { type: "string" } },
});
type Thing = ObjectOf<typeof Thing>;

interface Setup {
  readonly server: HostileServer;
  readonly informers: Informers;
  readonly things: Informer<Thing>;
  /** Tells the informer what the server answered to a write. */
  learn(object: KubeObject): void;
  /** Changes as "added a=1", "updated a=2", "deleted a=2". */
  readonly changes: string[];
  stop(): Promise<void>;
}

async function setUp(
  prepare: (server: HostileServer) => void,
  options: Partial<InformersConfig> & { timeoutMs?: number; areVersionsNumbers?: boolean } = {},
): Promise<Setup> {
  const server = await startHostileServer(options);
  prepare(server);
  const stopping = new AbortController();
  const clock = systemClock;
  const client = createClient({ connection: server.connection, clock, timeoutMs: options.timeoutMs ?? 5000 });
  const backoff = { baseMs: 1, maxMs: 5 };
  const base = { client, clock, log: silentLogger, signal: stopping.signal, backoff, pageSize: 3, freeze: true };
  const informers = createInformers({ ...base, ...options });
  const things = informers.of(Thing);
  const changes: string[] = [];
  things.onChange(({ type, object }) => changes.push(`${type} ${object.metadata.name}=${object.data}`));
  return {
    server,
    informers,
    things,
    learn: (object) => informers.learn(Thing, object),
    changes,
    async stop() {
      stopping.abort();
      await informers.done();
      client.close();
      await server.stop();
    },
  };
}

/** Resolves once the cache equals the server's objects. */
function agreement({ server, things }: Pick<Setup, "server" | "things">): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (JSON.stringify(summarize(things.list())) !== JSON.stringify(summarize(server.objects()))) return;
      stop();
      resolve();
    };
    let stop = () => {};
    stop = things.onChange(() => queueMicrotask(check));
    check();
  });
}

async function started(t: TestContext, ...args: Parameters<typeof setUp>): Promise<Setup> {
  const setup = await setUp(...args);
  t.after(() => setup.stop());
  return setup;
}

const withThree = (server: HostileServer) => {
  for (const name of ["a", "b", "c"]) server.put(name, "1");
};

test("the first list is read in pages and handed over before synced", async (t) => {
  const { things, changes, server } = await started(t, (server) => {
    for (let i = 0; i < 8; i++) server.put(`t${i}`, "1");
  });
  await things.synced;
  assert.equal(changes.length, 8);
  assert.equal(server.requests.filter(({ type }) => type === "list").length, 3);
  assert.equal(things.get({ namespace: "ns", name: "t7" })?.kind, "Thing");
  assert.equal(things.get({ namespace: "ns", name: "t7" })?.metadata.managedFields, undefined);
});

test("a watch asks for bookmarks and for a random end between 300 and 600 seconds", async (t) => {
  const { server } = await started(t, withThree, { random: () => 0.5 });
  const { url } = await server.nextRequest("watch");
  assert.equal(url.searchParams.get("allowWatchBookmarks"), "true");
  assert.equal(url.searchParams.get("timeoutSeconds"), "450");
});

for (const how of ["end", "reset", "midEvent", "garbage"] as const satisfies readonly WatchEnd[]) {
  test(`after a watch ended by ${how} it goes on from the last version, without a list`, async (t) => {
    const setup = await started(t, withThree);
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
  const setup = await started(t, withThree);
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
  const setup = await started(t, withThree);
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
  const setup = await started(t, (server) => {
    for (let i = 0; i < 5; i++) server.put(`t${i}`, "1");
    void server.nextRequest("list").then(() => setImmediate(() => server.compact()));
    server.failNext("list", { type: "status", code: 410, reason: "Expired" });
  });
  await setup.things.synced;
  assert.equal(setup.things.list().length, 5);
});

test("a silent half-open connection is given up after the inactivity deadline", async (t) => {
  const setup = await started(t, withThree, { inactivityMs: 30 });
  await setup.server.nextRequest("watch");
  setup.server.breakWatches("silence");
  setup.server.put("a", "2");
  await agreement(setup);
  assert.deepEqual(setup.changes.slice(3), ["updated a=2"]);
});

test("a server that sends no bookmarks is watched on without pauses and warnings", async (t) => {
  const said: string[] = [];
  const log = createLogger("test", "info", { write: (line: string) => said.push(line) });
  const setup = await started(t, withThree, {
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
  const setup = await started(t, withThree, { inactivityMs: 20 });
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
  const setup = await started(t, withThree);
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
    const setup = await started(t, prepare, { timeoutMs: 100 });
    await setup.things.synced;
    setup.server.put("a", "2");
    await agreement(setup);
    assert.deepEqual(setup.changes.slice(3).concat("updated a=2")[0], "updated a=2");
  });
}

test("a server that is down is waited for", async (t) => {
  const setup = await started(t, withThree);
  await setup.server.nextRequest("watch");
  await setup.server.stop();
  setup.server.put("a", "2");
  setup.server.remove("b");
  await setup.server.start();
  await agreement(setup);
  assert.deepEqual(setup.changes.slice(3), ["updated a=2", "deleted b=1"]);
});

test("indexes follow changes", async (t) => {
  const setup = await started(t, withThree);
  const { server, things } = setup;
  things.addIndex("data", (thing) => [thing.data ?? ""]);
  await server.nextRequest("watch");
  server.put("a", "2");
  server.remove("b");
  await agreement(setup);
  const named = (value: string) => things.byIndex("data", value).map(({ metadata }) => metadata.name);
  assert.deepEqual([named("1"), named("2"), named("3")], [["c"], ["a"], []]);
});

test("cached objects cannot be modified", async (t) => {
  const { things } = await started(t, withThree);
  await things.synced;
  assert.throws(() => {
    things.list()[0]!.metadata.labels = {};
  }, TypeError);
});

test("fields that nobody reads are not cached, neither those of the list nor those of later changes", async () => {
  const { server, informers, stop } = await setUp((server) => server.put("a", "1"));
  const things = informers.of(Thing, { without: ["data"] });
  await things.synced;
  server.put("b", "1");
  while (things.list().length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    things.list().map((thing) => [thing.metadata.name, Object.keys(thing).sort()]),
    [
      ["a", ["apiVersion", "kind", "metadata"]],
      ["b", ["apiVersion", "kind", "metadata"]],
    ],
  );
  await stop();
});

test("Secrets are never all cached", async (t) => {
  const server = await startHostileServer();
  t.after(() => server.stop());
  const client = createClient({ connection: server.connection, clock: systemClock });
  const signal = AbortSignal.abort();
  const informers = createInformers({ client, clock: systemClock, log: silentLogger, signal });
  const Secret = defineKind({ ...Thing, group: "", kind: "Secret", plural: "secrets", properties: {} });
  assert.throws(() => informers.of(Secret, { namespace: "ns" }), /by name .* or by label/);
  assert.ok(informers.of(Secret, { fieldSelector: "metadata.name=tls" }));
  await informers.done();
});

test("what the program has written is cached at once, and the watch does not tell it a second time", async (t) => {
  const setup = await started(t, (server) => server.put("a", "1"), { areVersionsNumbers: true });
  await setup.things.synced;
  const answers = [setup.server.put("a", "2"), setup.server.put("b", "1")];
  for (const answer of answers) setup.learn(answer);
  assert.deepEqual(setup.changes, ["added a=1", "updated a=2", "added b=1"]);
  setup.server.put("c", "1");
  await agreement(setup);
  assert.deepEqual(setup.changes.slice(3), ["added c=1"]);
});

test("an answer that the watch has overtaken is left alone", async (t) => {
  const setup = await started(t, (server) => server.put("a", "1"), { areVersionsNumbers: true });
  await agreement(setup);
  const answer = setup.server.put("b", "1");
  setup.server.remove("b");
  setup.server.put("c", "1");
  await agreement(setup);
  setup.learn(answer);
  assert.deepEqual(setup.changes.slice(1), ["added b=1", "deleted b=1", "added c=1"]);
});

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("put" as const),
      name: fc.constantFrom("a", "b", "c", "d"),
      isOurs: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("remove" as const), name: fc.constantFrom("a", "b", "c", "d") }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("break" as const),
      how: fc.constantFrom<WatchEnd>("end", "reset", "midEvent", "garbage", "silence"),
    }),
  },
  fc.record({ do: fc.constantFrom("compact" as const, "bookmark" as const, "restart" as const, "repeat" as const) }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant("learn" as const), which: fc.nat() }) },
  fc.record({ do: fc.constant("pause" as const) }),
  fc.record({ do: fc.constant("agree" as const) }),
);

test("after any schedule of changes, of answers to our own in any order, and of failures cache and handlers agree with the server", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 30, size: "max" }),
      fc.boolean(),
      async (steps, areVersionsNumbers) => {
        const setup = await setUp(withThree, { inactivityMs: 25, timeoutMs: 200, areVersionsNumbers });
        const { server, things } = setup;
        const told = new Map<string, string>();
        const misfits: string[] = [];
        things.onChange((change: Change<Thing>) => {
          const name = change.object.metadata.name;
          // What handlers are told must fit together: nothing is added twice, or changed while unknown.
          const renamed = change.type === "updated" && change.old.metadata.uid !== change.object.metadata.uid;
          if (renamed || told.has(name) === (change.type === "added")) misfits.push(`${change.type} ${name}`);
          const past = told.get(name);
          if (areVersionsNumbers && past && Number(past) > Number(change.object.metadata.resourceVersion)) {
            misfits.push(`${change.type} ${name} again as it was before`);
          }
          if (change.type === "deleted") told.delete(name);
          else told.set(name, change.object.metadata.resourceVersion!);
        });
        try {
          let data = 0;
          const answers: KubeObject[] = [];
          for (const taken of steps) {
            if (taken.do === "put") {
              const answer = server.put(taken.name, String(data++));
              if (taken.isOurs) answers.push(answer);
            } else if (taken.do === "learn") {
              const [answer] = answers.splice(taken.which % (answers.length + 1), 1);
              if (answer) setup.learn(answer);
            } else if (taken.do === "remove") server.remove(taken.name);
            else if (taken.do === "break") server.breakWatches(taken.how);
            else if (taken.do === "restart") {
              await server.stop();
              await server.start();
            } else if (taken.do === "repeat") server.repeat(3);
            else if (taken.do === "agree") await agreement(setup);
            else if (taken.do === "pause") await new Promise((resolve) => setImmediate(resolve));
            else server[taken.do]();
          }
          for (const answer of answers.splice(answers.length / 2)) setup.learn(answer);
          server.put("last", "1");
          await agreement(setup);
          for (const answer of answers) setup.learn(answer);
          assert.deepEqual(misfits, []);
          assert.deepEqual(summarize(things.list()), summarize(server.objects()));
          assert.deepEqual(
            [...told.keys()].sort(),
            server
              .objects()
              .map(({ metadata }) => metadata.name)
              .sort(),
          );
        } finally {
          await setup.stop();
        }
      },
    ),
    { numRuns: 40 },
  );
});
