import assert from "node:assert/strict";
import { test } from "node:test";
import { Event } from "../apis/core/event.ts";
import type { KubeObject } from "../apis/meta.ts";
import { silentLogger } from "../lib/log.ts";
import { fakeClient, type Induce } from "../testing/fake-client.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import { createEventBudget, createEventRecorder } from "./events.ts";

const object = (name: string, namespace?: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Thing",
  metadata: { name, uid: `uid-${name}`, resourceVersion: "7", ...(namespace && { namespace }) },
});

function setUp(induce: readonly Induce[] = []) {
  const clock = fakeClock();
  const client = fakeClient([], induce);
  const stopping = new AbortController();
  const recorder = createEventRecorder({ client, component: "c", clock, log: silentLogger, signal: stopping.signal });
  const stored = async (): Promise<Event[]> => {
    await clock.advance(0);
    return (await client.of(Event).list()).items;
  };
  return { clock, client, recorder, stored, stopping };
}

test("an event says what happened to what, when, and who tells", async () => {
  const { recorder, stored } = setUp();
  recorder.of(object("a", "ns")).normal("Created", "It is there.");
  const [event] = await stored();
  const { metadata, ...rest } = event!;
  assert.match(metadata.name, /^a\.[0-9a-f]+$/);
  assert.equal(metadata.namespace, "ns");
  assert.deepEqual(rest, {
    apiVersion: "v1",
    kind: "Event",
    involvedObject: { apiVersion: "v1", kind: "Thing", name: "a", namespace: "ns", uid: "uid-a", resourceVersion: "7" },
    type: "Normal",
    reason: "Created",
    message: "It is there.",
    source: { component: "c" },
    reportingComponent: "c",
    reportingInstance: "",
    firstTimestamp: "2024-01-01T00:00:00Z",
    lastTimestamp: "2024-01-01T00:00:00Z",
    count: 1,
  });
});

test("events of objects without a namespace go to the default one", async () => {
  const { recorder, stored } = setUp();
  recorder.of(object("a")).warning("Bad", "x");
  assert.equal((await stored())[0]?.metadata.namespace, "default");
});

test("the same event again is counted", async () => {
  const { recorder, stored, clock } = setUp();
  recorder.of(object("a", "ns")).warning("Bad", "x");
  await clock.advance(60_000);
  recorder.of(object("a", "ns")).warning("Bad", "x");
  recorder.of(object("b", "ns")).warning("Bad", "x");
  const events = await stored();
  assert.deepEqual(
    events.map(({ count, lastTimestamp }) => [count, lastTimestamp]),
    [
      [2, "2024-01-01T00:01:00Z"],
      [1, "2024-01-01T00:01:00Z"],
    ],
  );
});

test("an event that has expired is made anew", async () => {
  const { recorder, stored, client } = setUp();
  recorder.of(object("a", "ns")).warning("Bad", "x");
  const [first] = await stored();
  await client.of(Event).delete(first!.metadata);
  recorder.of(object("a", "ns")).warning("Bad", "x");
  const [second] = await stored();
  assert.equal(second?.count, 1);
  assert.notEqual(second?.metadata.name, first?.metadata.name);
});

test("many messages of one reason become one event", async () => {
  const { recorder, stored } = setUp();
  for (let n = 0; n < 15; n++) recorder.of(object("a", "ns")).warning("Bad", `number ${n}`);
  const events = await stored();
  assert.equal(events.length, 11);
  assert.equal(events.at(-1)?.message, "(combined from similar events): number 14");
  assert.equal(events.at(-1)?.count, 5);
});

test("an object has 25 events, and one more every five minutes", async () => {
  const { recorder, clock, client } = setUp();
  const tell = async (times: number) => {
    const before = client.actions.length;
    for (let n = 0; n < times; n++) recorder.of(object("a", "ns")).warning("Bad", "x");
    await clock.advance(0);
    return client.actions.length - before;
  };
  assert.equal(await tell(40), 25);
  await clock.advance(299_999);
  assert.equal(await tell(3), 0);
  await clock.advance(1);
  assert.equal(await tell(3), 1);
});

test("a failure to record hurts nobody, and the next event is sent", async () => {
  const { recorder, stored } = setUp([{ verb: "create", resource: "events", times: 1 }]);
  recorder.of(object("a", "ns")).warning("Bad", "x");
  recorder.of(object("a", "ns")).warning("Bad", "y");
  assert.deepEqual(
    (await stored()).map(({ message }) => message),
    ["y"],
  );
});

test("no more than a thousand events wait", async () => {
  const { recorder, stored } = setUp();
  for (let n = 0; n < 3000; n++) recorder.of(object(`o${n}`, "ns")).normal("Made", "x");
  // The first one is on its way, a thousand wait behind it.
  assert.equal((await stored()).length, 1001);
});

test("after the end nothing is sent", async () => {
  const { recorder, stored, stopping } = setUp();
  stopping.abort();
  recorder.of(object("a", "ns")).normal("Made", "x");
  await recorder.done;
  assert.deepEqual(await stored(), []);
});

test("when many objects are made at once, Normal events beyond the budget are left out, and Warnings are not", async () => {
  const clock = fakeClock();
  const client = fakeClient([]);
  const budget = createEventBudget(clock);
  const signal = new AbortController().signal;
  const recorders = ["c", "d"].map((component) =>
    createEventRecorder({ client, component, clock, log: silentLogger, budget, signal }),
  );
  const countOf = async (type: string) => {
    await clock.advance(0);
    return (await client.of(Event).list()).items.filter((event) => event.type === type).length;
  };
  const recordMany = () => {
    for (let index = 0; index < 30; index++) {
      const recorder = recorders[index % 2]!.of(object(`a${clock.now()}-${index}`, "ns"));
      recorder.normal("Created", "x");
      recorder.warning("Bad", "y");
    }
  };
  recordMany();
  assert.equal(await countOf("Normal"), 20);
  assert.equal(await countOf("Warning"), 30);
  await clock.advance(5000);
  recordMany();
  assert.equal(await countOf("Normal"), 30);
  assert.equal(await countOf("Warning"), 60);
});
