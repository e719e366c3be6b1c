import assert from "node:assert/strict";
import { test } from "node:test";
import type { Informers } from "../../kube/api.ts";
import { fakeContext } from "../../testing/fake-context.ts";
import { startKeyedWorker } from "./keyed-worker.ts";

test("a key that failed is tried again sooner once it has succeeded in between", async () => {
  const context = { ...fakeContext(null), caCertificate: "" };
  const { clock } = context;
  const attempts: number[] = [];
  let failures = 6;
  const worker = startKeyedWorker(context, "some-controller", [], async () => {
    attempts.push(clock.monotonic());
    if (failures-- > 0) throw new Error("not yet");
  });
  worker.enqueue("k");
  await clock.advance(60_000);
  const waits = attempts.slice(1).map((at, index) => at - attempts[index]!);
  assert.equal(attempts.length, 7);
  assert.ok(waits[0]! < 20 && waits.at(-1)! >= 80, waits.join());
  failures = 1;
  worker.enqueue("k");
  await clock.advance(60_000);
  assert.equal(attempts.length, 9);
  assert.ok(attempts[8]! - attempts[7]! < 20, `${attempts[8]! - attempts[7]!} ms`);
  context.stop();
  await worker.done;
});

test("a worker that is stopped before the caches are filled ends in good order, and has done nothing", async () => {
  const context = fakeContext(null);
  const aborted = new Promise<never>((_, reject) => {
    context.signal.addEventListener("abort", () => reject(new Error("stopped")));
  });
  const informers: Informers = { ...context.informers, synced: () => aborted };
  let subscribed = 0;
  const subscribe = () => {
    subscribed += 1;
    return () => {};
  };
  const worker = startKeyedWorker({ ...context, informers, caCertificate: "" }, "c", [{ subscribe }], async () => {});
  await context.clock.advance(0);
  context.stop();
  await worker.done;
  assert.equal(subscribed, 0);
});
