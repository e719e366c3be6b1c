import assert from "node:assert/strict";
import { test } from "node:test";
import { Event } from "../../../apis/core/event.ts";
import type { Node } from "../../../apis/core/node.ts";
import { Pod } from "../../../apis/core/pod.ts";
import { apiError } from "../../../kube/errors.ts";
import { silentLogger } from "../../../lib/log.ts";
import { fakeClient } from "../../../testing/fake-client.ts";
import { fakeClock } from "../../../testing/fake-clock.ts";
import { fakeInformers } from "../../../testing/fake-informers.ts";
import { startScheduler } from "./controller.ts";

const node: Node = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "n" },
  spec: {},
  status: { allocatable: { cpu: "1", memory: "4Gi", pods: "10" } },
};
/** A pod that fills the node. */
const pod = (name: string, nodeName?: string): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "ns", uid: `uid-${name}`, labels: {} },
  spec: {
    containers: [{ name: "c", image: "i", resources: { requests: { cpu: "1" } } }],
    ...(nodeName && { nodeName }),
  },
});

/** A scheduler for two pods of which the node has room for one; the test answers its bindings. */
async function started() {
  const asked: { readonly path: string; readonly answer: (error?: Error) => void }[] = [];
  const clock = fakeClock();
  const informers = fakeInformers([node, pod("a"), pod("b")]);
  const raw = (_method: string, path: string) =>
    new Promise<void>((resolve, reject) => {
      asked.push({ path, answer: (error) => (error ? reject(error) : resolve()) });
    });
  const client = { ...fakeClient([pod("a"), pod("b")]), raw };
  const stopped = new AbortController();
  const { signal } = stopped;
  const worker = startScheduler({ client, informers, clock, log: silentLogger, signal, caCertificate: "" });
  await clock.advance(0);
  const bound = () => asked.map(({ path }) => path.split("/").at(-2));
  const stop = () => {
    stopped.abort();
    return worker.done;
  };
  return { asked, bound, client, clock, informers, stop };
}

test("room that was given to a pod is not given to another while the API server is told", async () => {
  const { asked, bound, clock, informers, stop } = await started();
  assert.deepEqual(bound(), ["a"]);
  asked[0]!.answer();
  await clock.advance(5000);
  assert.deepEqual(bound(), ["a"], "the cache does not show it yet");
  informers.put(pod("a", "n"));
  await clock.advance(5000);
  assert.deepEqual(bound(), ["a"]);
  await stop();
});

test("the room of a pod that ended goes to one that waits", async () => {
  const { asked, bound, clock, informers, stop } = await started();
  asked[0]!.answer();
  informers.put(pod("a", "n"));
  informers.remove(pod("a", "n"));
  await clock.advance(0);
  assert.deepEqual(bound(), ["a", "b"]);
  asked[1]!.answer();
  await stop();
});

const gone = () => apiError(404, "NotFound", 'pods "a" not found');
for (const [name, isToldFirst] of [
  ["before the answer came", true],
  ["after the answer came", false],
] as const) {
  test(`the room of a pod that was deleted while it was bound goes to one that waits: seen ${name}`, async () => {
    const { asked, bound, clock, informers, stop } = await started();
    if (isToldFirst) informers.remove(pod("a"));
    asked[0]!.answer(gone());
    await clock.advance(0);
    if (!isToldFirst) informers.remove(pod("a"));
    await clock.advance(0);
    assert.deepEqual(bound(), ["a", "b"]);
    asked[1]!.answer();
    await stop();
  });
}

test("a pod's Events tell of the node that it was given", async () => {
  const { asked, client, clock, stop } = await started();
  const told = async () => {
    await clock.advance(0);
    const events = (await client.of(Event).list()).items.filter(({ reason }) => reason === "Scheduled");
    return events.map(({ type, involvedObject, message }) => [type, involvedObject?.name, message]);
  };
  assert.deepEqual(await told(), [], "the API server has not agreed yet");
  asked[0]!.answer();
  assert.deepEqual(await told(), [["Normal", "a", "Successfully assigned ns/a to n"]]);
  await stop();
});

test("a binding that failed is tried again", async () => {
  const { asked, bound, clock, stop } = await started();
  asked[0]!.answer(apiError(500, "InternalError", "no"));
  await clock.advance(1000);
  assert.deepEqual(bound(), ["a", "a"]);
  asked[1]!.answer();
  await stop();
});

test("a pod that was given a node is not looked at again, though it changes before the cache shows it", async () => {
  const { asked, bound, client, clock, informers, stop } = await started();
  asked[0]!.answer();
  await clock.advance(0);
  informers.put({ ...pod("a"), metadata: { ...pod("a").metadata, resourceVersion: "2" } });
  await clock.advance(1000);
  assert.deepEqual(bound(), ["a"]);
  const unschedulable = client.actions.filter(({ verb }) => verb === "patch").map(({ name }) => name);
  assert.deepEqual(unschedulable, ["b"], "the room that it takes itself is not held against it");
  await stop();
});

test("a pod that fits no node is told why, once, and gets a node that comes later", async () => {
  const clock = fakeClock();
  const initialized = { type: "Initialized", status: "True" as const };
  const waiting: Pod = { ...pod("a"), status: { conditions: [initialized] } };
  const informers = fakeInformers([waiting]);
  const bindings: string[] = [];
  const fake = fakeClient([waiting]);
  const client = { ...fake, raw: async (_method: string, path: string) => void bindings.push(path) } as typeof fake;
  const stopped = new AbortController();
  const { signal } = stopped;
  const worker = startScheduler({ client, informers, clock, log: silentLogger, signal, caCertificate: "" });
  await clock.advance(0);
  const told = fake.stored(Pod, { name: "a", namespace: "ns" })!;
  const failed = {
    type: "PodScheduled",
    status: "False",
    reason: "Unschedulable",
    message: "no nodes available to schedule pods",
    lastTransitionTime: "2024-01-01T00:00:00Z",
  };
  assert.deepEqual(told.status?.conditions, [initialized, failed]);
  informers.put(told);
  await clock.advance(0);
  const patches = fake.actions.filter(({ verb, resource }) => verb === "patch" && resource === "pods");
  assert.equal(patches.length, 1);
  informers.put(node);
  await clock.advance(0);
  assert.deepEqual(bindings, ["/api/v1/namespaces/ns/pods/a/binding"]);
  stopped.abort();
  await worker.done;
});
