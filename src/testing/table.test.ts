import assert from "node:assert/strict";
import { test } from "node:test";
import { defineKind, type ObjectOf } from "../apis/kind.ts";
import type { Client } from "../kube/api.ts";
import { apiError } from "../kube/errors.ts";
import { reconcileOnce } from "./table.ts";

const Parent = defineKind({
  group: "test.dev",
  version: "v1",
  kind: "Parent",
  plural: "parents",
  description: "A parent.",
  properties: {
    spec: { type: "object", properties: { children: { type: "array", items: { type: "string" } } } },
    status: { type: "object", properties: { count: { type: "integer" } } },
  },
  subresources: { status: true },
});
type Parent = ObjectOf<typeof Parent>;

function makeParent(children: string[], metadata: Partial<Parent["metadata"]> = {}): Parent {
  return {
    apiVersion: "test.dev/v1",
    kind: "Parent",
    metadata: { name: "p", namespace: "ns", resourceVersion: "1", ...metadata },
    spec: { children },
  };
}

const base = {
  kind: Parent,
  key: "ns/p",
  deps: ({ client }: { client: Client }) => ({ parents: client.of(Parent) }),
  reconcile: async (parent: Parent, deps: { parents: ReturnType<Client["of"]> }) => {
    const children = parent.spec.children ?? [];
    for (const name of children) {
      await deps.parents.create({ ...makeParent([]), metadata: { name, namespace: "ns" } });
    }
    return { status: { count: children.length } };
  },
};

test("a pass creates children and writes the status once", async () => {
  const report = await reconcileOnce({ ...base, objects: [makeParent(["a", "b"])] });
  assert.equal(report.error, undefined);
  assert.deepEqual(
    report.actions.map(({ verb, name }) => `${verb} ${name}`),
    ["create a", "create b", "updateStatus p"],
  );
  assert.deepEqual((report.statusUpdates[0] as Parent).status, { count: 2 });
});

test("a status that says the same is not written", async () => {
  const withStatus: Parent = { ...makeParent([]), status: { count: 0 } };
  const report = await reconcileOnce({ ...base, objects: [withStatus] });
  assert.deepEqual(report.actions, []);
  assert.deepEqual(report.outcome, { status: { count: 0 } });
});

test("an induced failure ends the pass with an event and without a status", async () => {
  const induce = [{ verb: "create", resource: "parents" }] as const;
  const report = await reconcileOnce({ ...base, objects: [makeParent(["a"])], induce });
  assert.match(String(report.error), /inducing failure for create parents/);
  assert.deepEqual(report.statusUpdates, []);
  assert.deepEqual(report.events, ["Warning InternalError inducing failure for create parents"]);
});

test("a lost race is a failure without an event", async () => {
  const error = apiError(409, "Conflict", "stale");
  const induce = [{ verb: "updateStatus", resource: "parents", error }] as const;
  const report = await reconcileOnce({ ...base, objects: [makeParent([])], induce });
  assert.equal(report.error, error);
  assert.deepEqual(report.events, []);
});

test("a missing finalizer is added before the reconciler runs", async () => {
  const finalizer = { name: "test.dev/f", finalize: async () => {} };
  const report = await reconcileOnce({ ...base, finalizer, objects: [makeParent([], { finalizers: ["other"] })] });
  assert.deepEqual(report.patches[0]?.patch, {
    type: "merge",
    body: { metadata: { finalizers: ["other", "test.dev/f"], resourceVersion: "1" } },
  });
  assert.deepEqual(report.events, ['Normal FinalizerUpdate Updated "p" finalizers']);
  assert.equal(report.statusUpdates.length, 1);
});

test("an object that is being deleted is finalized, not reconciled", async () => {
  const finalized: string[] = [];
  const finalizer = {
    name: "test.dev/f",
    finalize: async (parent: Parent) => {
      finalized.push(parent.metadata.name);
    },
  };
  const doomed = makeParent(["a"], { finalizers: ["test.dev/f"], deletionTimestamp: "2024-01-01T00:00:00Z" });
  const report = await reconcileOnce({ ...base, finalizer, objects: [doomed] });
  assert.deepEqual(finalized, ["p"]);
  assert.deepEqual(report.creates, []);
  assert.deepEqual(report.client.stored(Parent, doomed.metadata)?.metadata.finalizers, []);
});

test("a finalizer that fails stays", async () => {
  const finalizer = { name: "test.dev/f", finalize: () => Promise.reject(new Error("not yet")) };
  const doomed = makeParent([], { finalizers: ["test.dev/f"], deletionTimestamp: "2024-01-01T00:00:00Z" });
  const report = await reconcileOnce({ ...base, finalizer, objects: [doomed] });
  assert.deepEqual(report.patches, []);
  assert.deepEqual(report.events, ["Warning InternalError not yet"]);
});

test("shared objects cannot be modified", async () => {
  const report = await reconcileOnce({
    ...base,
    objects: [makeParent([])],
    reconcile: async (parent: Parent) => {
      parent.spec.children = ["oops"];
      return {};
    },
  });
  assert.match(String(report.error), /TypeError/);
});
