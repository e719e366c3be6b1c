import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment } from "../../apis/core/deployment.ts";
import { createWaves } from "./waves.ts";

function deployment(uid: string, status: Deployment["status"] = {}, replicas = 2): Deployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: uid, namespace: "ns", uid, generation: 1 },
    spec: { replicas, selector: {}, template: {} },
    status: { observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas: 2, ...status },
  };
}

const many = (count: number, status?: Deployment["status"]) =>
  Array.from({ length: count }, (_, index) => deployment(`d${index}`, status));
const rolling = { updatedReplicas: 1 };
const allowed = (all: readonly Deployment[]) => {
  const waves = createWaves({ list: () => all });
  return all.filter((one) => waves.mayRoll(one)).length;
};

test("five may roll at a time", () => assert.equal(allowed(many(30)), 5));
test("in a large cluster a tenth may", () => assert.equal(allowed(many(200)), 20));
test("those without pods never wait", () => assert.equal(allowed(many(30, { availableReplicas: 0 })), 30));
test("one that rolls already goes on", () => assert.equal(allowed(many(30, rolling)), 30));

test("those that roll already take up room", () => {
  const settled = deployment("settled");
  const all = [...many(5, rolling), settled];
  assert.equal(createWaves({ list: () => all }).mayRoll(settled), false);
});

test("one that gave up takes up none", () => {
  const conditions = [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }] as const;
  const settled = deployment("settled");
  const all = [...many(5, { ...rolling, conditions: [...conditions] }), settled];
  assert.equal(createWaves({ list: () => all }).mayRoll(settled), true);
});

test("once the cache shows that the first have rolled, the next may", () => {
  let all = many(30);
  const waves = createWaves({ list: () => all });
  const first = all.filter((one) => waves.mayRoll(one));
  assert.equal(first.length, 5);
  all = all.map((one) => {
    if (!first.includes(one)) return one;
    return { ...one, metadata: { ...one.metadata, generation: 2 }, status: { ...one.status, observedGeneration: 2 } };
  });
  const waiting = all.filter((one) => one.metadata.generation === 1);
  assert.equal(waiting.filter((one) => waves.mayRoll(one)).length, 5);
});

test("who was allowed may try again before the cache shows it", () => {
  const all = many(30);
  const waves = createWaves({ list: () => all });
  assert.equal(waves.mayRoll(all[0]!), true);
  assert.equal(waves.mayRoll(all[0]!), true);
});

test("one that says nothing of its pods has one, and waits like the others", () => {
  const silent = deployment("silent");
  delete silent.spec.replicas;
  const all = [...many(5, rolling), silent];
  assert.equal(createWaves({ list: () => all }).mayRoll(silent), false);
});

test("one whose new template was not seen yet takes up room", () => {
  const settled = deployment("settled");
  const unseen = many(5).map((one) => ({ ...one, metadata: { ...one.metadata, generation: 2 } }));
  assert.equal(createWaves({ list: () => [...unseen, settled] }).mayRoll(settled), false);
});
