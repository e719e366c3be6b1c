import assert from "node:assert/strict";
import { test } from "node:test";
import { defineKind } from "../apis/kind.ts";
import { systemClock } from "../lib/clock.ts";
import { silentLogger } from "../lib/log.ts";
import { startHostileServer } from "../testing/hostile-server.ts";
import { agreement, setUpInformer, startInformer, Thing, withThree } from "../testing/informer-setup.ts";
import { createClient } from "./client.ts";
import { createInformers } from "./informer.ts";

test("indexes follow changes", async (t) => {
  const setup = await startInformer(t, systemClock, withThree);
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
  const { things } = await startInformer(t, systemClock, withThree);
  await things.synced;
  assert.throws(() => {
    things.list()[0]!.metadata.labels = {};
  }, TypeError);
});

test("fields that nobody reads are not cached, neither those of the list nor those of later changes", async () => {
  const { server, informers, stop } = await setUpInformer(systemClock, (server) => server.put("a", "1"));
  const things = informers.of(Thing, { without: ["data", "metadata.none.such"] });
  await things.synced;
  server.put("b", "1");
  while (things.list().length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    things.list().map((thing) => [thing.metadata.name, Object.keys(thing).sort(), Object.keys(thing.metadata).sort()]),
    ["a", "b"].map((name) => [
      name,
      ["apiVersion", "kind", "metadata"],
      ["name", "namespace", "resourceVersion", "uid"],
    ]),
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
  const setup = await startInformer(t, systemClock, (server) => server.put("a", "1"), { areVersionsNumbers: true });
  await setup.things.synced;
  const answers = [setup.server.put("a", "2"), setup.server.put("b", "1")];
  for (const answer of answers) setup.learn(answer);
  assert.deepEqual(setup.changes, ["added a=1", "updated a=2", "added b=1"]);
  setup.server.put("c", "1");
  await agreement(setup);
  assert.deepEqual(setup.changes.slice(3), ["added c=1"]);
});

test("an answer that the watch has overtaken is left alone", async (t) => {
  const setup = await startInformer(t, systemClock, (server) => server.put("a", "1"), { areVersionsNumbers: true });
  await agreement(setup);
  const answer = setup.server.put("b", "1");
  setup.server.remove("b");
  setup.server.put("c", "1");
  await agreement(setup);
  setup.learn(answer);
  assert.deepEqual(setup.changes.slice(1), ["added b=1", "deleted b=1", "added c=1"]);
});
