import assert from "node:assert/strict";
import { test } from "node:test";
import { Event } from "../apis/core/event.ts";
import { defineKind, type ObjectOf } from "../apis/kind.ts";
import type { KubeObject } from "../apis/meta.ts";
import type { FakeClient } from "../testing/fake-client.ts";
import { type FakeContext, fakeContext } from "../testing/fake-context.ts";
import type { Outcome, Pass } from "./api.ts";
import { type Controller, type ControllerSpec, ownedBy, startController, watching } from "./controller.ts";
import { apiError, ConnectionError, failure, PermanentError } from "./errors.ts";
import { createTracker } from "./tracker.ts";

const Parent = defineKind({
  group: "test.dev",
  version: "v1",
  kind: "Parent",
  plural: "parents",
  description: "A parent.",
  properties: {
    spec: { type: "object", properties: { needs: { type: "string" } } },
    status: { type: "object", properties: { seen: { type: "string" } } },
  },
});
type Parent = ObjectOf<typeof Parent>;
const Child = defineKind({
  group: "",
  version: "v1",
  kind: "Child",
  plural: "children",
  description: "A child.",
  properties: {},
});

const makeParent = (name: string, version = "1"): Parent => ({
  apiVersion: "test.dev/v1",
  kind: "Parent",
  metadata: { name, namespace: "ns", uid: name, resourceVersion: version },
  spec: {},
});
const makeChild = (name: string, owner: string, version = "1"): KubeObject => ({
  apiVersion: "v1",
  kind: "Child",
  metadata: {
    name,
    namespace: "ns",
    uid: name,
    resourceVersion: version,
    ownerReferences: [{ apiVersion: "test.dev/v1", kind: "Parent", name: owner, uid: owner, controller: true }],
  },
});

type Config = { readonly text: string };
type Reconciler = (parent: Parent, pass: Pass<Config>) => Outcome<Parent> | Promise<Outcome<Parent>>;

/** Runs a controller over Parents; `passes` lists the keys in the order of their passes. */
async function run(
  context: FakeContext<Config>,
  reconcile: Reconciler = () => ({}),
  spec: Partial<ControllerSpec<Parent, undefined, Config>> = {},
): Promise<Controller & { passes: string[]; turn(ms?: number): Promise<string[]>; end(): Promise<void> }> {
  const passes: string[] = [];
  const controller = startController<Parent, undefined, Config>(context, {
    name: "parents",
    kind: Parent,
    deps: undefined,
    reconcile: async (parent, _, pass) => {
      passes.push(parent.metadata.name);
      return reconcile(parent, pass);
    },
    ...spec,
  });
  const turn = async (ms = 0) => {
    passes.length = 0;
    for (let turns = 0; turns < 5; turns++) await context.clock.advance(0);
    if (ms > 0) await context.clock.advance(ms);
    return passes;
  };
  const end = async () => {
    context.stop();
    await controller.done;
    assert.equal(context.clock.pendingTimers(), 0);
  };
  return { ...controller, passes, turn, end };
}

test("every object gets a pass at the start, and one after each change", async () => {
  const context = fakeContext({ text: "" }, [makeParent("a"), makeParent("b")]);
  const controller = await run(context);
  assert.deepEqual(await controller.turn(), ["a", "b"]);
  context.informers.put(makeParent("b", "2"));
  assert.deepEqual(await controller.turn(), ["b"]);
  await controller.end();
});

test("a change of a child is a pass of its owner; when it moves to another owner, of both", async () => {
  const context = fakeContext({ text: "" }, [makeParent("a"), makeParent("b")]);
  const watches = [watching(context.informers.of(Child), ownedBy(Parent))];
  const controller = await run(context, undefined, { watches });
  await controller.turn();
  context.informers.put(makeChild("c", "a"));
  assert.deepEqual(await controller.turn(), ["a"]);
  context.informers.put(makeChild("c", "b", "2"));
  assert.deepEqual((await controller.turn()).sort(), ["a", "b"]);
  await controller.end();
});

test("a tracked object that does not exist yet wakes up its dependents when it appears, until they are gone", async () => {
  const context = fakeContext({ text: "" }, [makeParent("a"), makeParent("b")]);
  const tracker = createTracker(context.informers.of(Parent));
  const watches = [watching(context.informers.of(Child), tracker.keysOf)];
  const needs = (parent: Parent) => (parent.metadata.name === "a" ? "c" : "d");
  const reconcile = (parent: Parent) => {
    tracker.track(`ns/${parent.metadata.name}`, [{ kind: Child, namespace: "ns", name: needs(parent) }]);
    return {};
  };
  const controller = await run(context, reconcile, { watches });
  await controller.turn();
  context.informers.put(makeChild("c", "nobody"));
  assert.deepEqual(await controller.turn(), ["a"]);
  context.informers.remove(makeParent("a"));
  await controller.turn();
  context.informers.put(makeChild("c", "nobody", "2"));
  assert.deepEqual(await controller.turn(), []);
  await controller.end();
});

test("failures are tried again with growing delays and told as events; success starts them anew", async () => {
  const context = fakeContext({ text: "" }, [makeParent("a")]);
  let failing = true;
  const times: number[] = [];
  const controller = await run(context, () => {
    times.push(context.clock.monotonic());
    if (failing) throw new Error("no luck");
    return {};
  });
  await controller.turn(200);
  assert.ok(times.length >= 5 && times.length <= 8, `${times.length} attempts within 200 ms`);
  failing = false;
  await controller.turn(1000);
  assert.equal(times.length <= 9, true);
  const [created, ...counted] = context.client.actions.filter(({ resource }) => resource === "events");
  const event = created?.object as Event;
  assert.deepEqual([event.type, event.reason, event.message], ["Warning", "InternalError", "no luck"]);
  assert.equal(event.source?.component, "parents");
  assert.ok(counted.length > 0 && counted.every(({ verb }) => verb === "patch"));
  assert.equal(context.client.stored(Event, event.metadata)?.count, counted.length + 1);
  await controller.end();
});

test("while the server cannot be reached, a key waits five seconds at most, however often it has failed", async () => {
  const context = fakeContext({ text: "" }, [makeParent("a")]);
  const times: number[] = [];
  const controller = await run(context, () => {
    times.push(context.clock.monotonic());
    throw failure("failed to create Child", new ConnectionError("connect ECONNREFUSED"));
  });
  await controller.turn(600_000);
  assert.ok(times.length > 100, `${times.length} attempts`);
  assert.ok(times.every((time, index) => time - (times[index - 1] ?? 0) <= 5000));
  await controller.end();
});

test("a permanent error is not tried again", async () => {
  const context = fakeContext({ text: "" }, [makeParent("a")]);
  const controller = await run(context, () => {
    throw new PermanentError("hopeless");
  });
  assert.deepEqual(await controller.turn(60_000), ["a"]);
  await controller.end();
});

test("a lost race is tried again at once, without an event", async () => {
  const conflict = {
    verb: "updateStatus",
    resource: "parents",
    error: apiError(409, "Conflict", "stale"),
    times: 2,
  } as const;
  const context = fakeContext({ text: "" }, [makeParent("a")], [conflict]);
  const controller = await run(context, () => ({ status: { seen: "x" } }));
  assert.equal((await controller.turn(50)).length, 3);
  assert.equal(context.client.stored(Parent, { namespace: "ns", name: "a" })?.status?.seen, "x");
  assert.ok(context.client.actions.every(({ resource }) => resource === "parents"));
  await controller.end();
});

test("the status of a failed pass is written before the failure counts", async () => {
  const context = fakeContext({ text: "" }, [makeParent("a")]);
  const controller = await run(context, () => ({ status: { seen: "trouble" }, error: new PermanentError("trouble") }));
  await controller.turn();
  assert.equal(context.client.stored(Parent, { namespace: "ns", name: "a" })?.status?.seen, "trouble");
  await controller.end();
});

test("a change that the cache shows before our write is answered is not overlooked", async () => {
  const context = fakeContext({ text: "" }, [makeParent("a")]);
  const client: FakeClient = {
    ...context.client,
    of: (kind) => {
      const resource = context.client.of(kind);
      return {
        ...resource,
        async updateStatus(object, options) {
          const answer = await resource.updateStatus(object, options);
          // Somebody else's later change overtakes the answer.
          if (context.client.actions.length === 1) {
            const theirs = { ...answer, metadata: { ...answer.metadata, labels: { theirs: "yes" } } };
            context.informers.put(await resource.update(theirs));
          }
          return answer;
        },
      };
    },
  };
  const seen: unknown[] = [];
  const controller = await run({ ...context, client }, (parent) => {
    seen.push(parent.metadata.labels?.["theirs"]);
    return { status: { seen: `${seen.length}` } };
  });
  await controller.turn();
  assert.deepEqual(seen, [undefined, "yes"]);
  await controller.end();
});

test("an outcome may ask for another pass later", async () => {
  const context = fakeContext({ text: "" }, [makeParent("a")]);
  const controller = await run(context, () => ({ requeueAfterMs: 10_000 }));
  await controller.turn();
  assert.deepEqual(await controller.turn(9_999), []);
  assert.deepEqual(await controller.turn(1), ["a"]);
  await controller.end();
});

test("a new configuration means a pass over everything, with the new one", async () => {
  const context = fakeContext({ text: "old" }, [makeParent("a"), makeParent("b")]);
  const texts: string[] = [];
  const controller = await run(context, (_, pass) => {
    texts.push(pass.config.text);
    return {};
  });
  await controller.turn();
  context.setConfig({ text: "new" });
  await controller.turn();
  assert.deepEqual(texts, ["old", "old", "new", "new"]);
  await controller.end();
});

test("keys of others are left alone until they become ours", async () => {
  const context = fakeContext({ text: "" }, [makeParent("a"), makeParent("b")]);
  context.setOwned((key) => key === "ns/a");
  const controller = await run(context);
  assert.deepEqual(await controller.turn(), ["a"]);
  context.setOwned(() => true);
  assert.deepEqual((await controller.turn()).sort(), ["a", "b"]);
  await controller.end();
});

test("a pass that lost its key meanwhile does not write the status", async () => {
  const context = fakeContext({ text: "" }, [makeParent("a")]);
  const controller = await run(context, () => {
    context.setOwned(() => false);
    return { status: { seen: "x" } };
  });
  await controller.turn();
  assert.deepEqual(context.client.actions, []);
  await controller.end();
});

test("the signal of a pass aborts after 30 seconds", async () => {
  const context = fakeContext({ text: "" }, [makeParent("a")]);
  let reason: unknown;
  const controller = await run(
    context,
    (_, pass) =>
      new Promise((resolve) => {
        pass.signal.addEventListener("abort", () => {
          reason = pass.signal.reason;
          resolve({});
        });
      }),
  );
  await controller.turn(29_999);
  assert.equal(reason, undefined);
  await controller.turn(1);
  assert.match(String(reason), /longer than 30 s/);
  await controller.end();
});

test("objects that the filter refuses get no pass", async () => {
  const context = fakeContext({ text: "" }, [makeParent("a"), makeParent("b")]);
  const controller = await run(context, undefined, { filter: ({ metadata }) => metadata.name === "b" });
  assert.deepEqual(await controller.turn(), ["b"]);
  await controller.end();
});

test("a filter that throws fails its own key only", async () => {
  const context = fakeContext({ text: "" }, [makeParent("a"), makeParent("b")]);
  const filter = ({ metadata }: Parent) => {
    if (metadata.name === "a") throw new Error("bad filter");
    return true;
  };
  const controller = await run(context, undefined, { filter });
  assert.deepEqual(await controller.turn(), ["b"]);
  await controller.end();
});

test("everything is looked at again after ten hours", async () => {
  const context = fakeContext({ text: "" }, [makeParent("a")]);
  const controller = await run(context);
  await controller.turn();
  assert.deepEqual(await controller.turn(10 * 3_600_000), ["a"]);
  await controller.end();
});
