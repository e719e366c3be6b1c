import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../apis/meta.ts";
import { createCache } from "./cache.ts";

function make(name: string, uid: string, labels: Record<string, string> = {}, namespace = "ns"): KubeObject {
  return { apiVersion: "v1", kind: "Thing", metadata: { name, namespace, uid, resourceVersion: uid, labels } };
}

function setUp(...objects: KubeObject[]) {
  const errors: unknown[] = [];
  const cache = createCache({ onHandlerError: (error) => errors.push(error) });
  for (const object of objects) cache.put(object);
  return { cache, errors };
}

for (const [name, filter, expected] of [
  ["nothing", {}, ["a", "b", "c", "d"]],
  ["a namespace", { namespace: "ns" }, ["a", "b", "c"]],
  ["a namespace that nobody has", { namespace: "none" }, []],
  ["a label", { labels: { x: "1" } }, ["a", "b", "d"]],
  ["several labels, which all have to fit", { labels: { x: "1", y: "1" } }, ["a", "d"]],
  ["both", { namespace: "ns", labels: { x: "1", y: "1" } }, ["a"]],
  ["no label", { labels: {} }, ["a", "b", "c", "d"]],
] as const) {
  test(`listed by ${name}: ${expected.join() || "none"}`, () => {
    const { cache } = setUp(
      make("a", "1", { x: "1", y: "1" }),
      make("b", "2", { x: "1", y: "2" }),
      make("c", "3"),
      make("d", "4", { x: "1", y: "1" }, "other"),
    );
    assert.deepEqual(
      cache.list(filter).map(({ metadata }) => metadata.name),
      expected,
    );
  });
}

for (const [name, removed, left] of [
  ["what is cached", make("a", "1"), []],
  ["a namesake that was there before", make("a", "0"), ["a"]],
  ["what is not cached", make("b", "1"), ["a"]],
] as const) {
  test(`removing ${name} ${left.length > 0 ? "changes nothing" : "is told once"}`, () => {
    const { cache } = setUp(make("a", "1"));
    const told: string[] = [];
    cache.onChange(({ type }) => told.push(type));
    cache.remove(removed);
    assert.deepEqual(
      cache.list().map(({ metadata }) => metadata.name),
      left,
    );
    assert.deepEqual(told, left.length > 0 ? ["added"] : ["added", "deleted"]);
  });
}

test("a handler that throws is told of, and the others go on", () => {
  const { cache, errors } = setUp();
  const told: string[] = [];
  cache.onChange(() => {
    throw new Error("broken");
  });
  cache.onChange(({ object }) => told.push(object.metadata.name));
  cache.put(make("a", "1"));
  assert.deepEqual(told, ["a"]);
  assert.deepEqual(errors.map(String), ["Error: broken"]);
});
