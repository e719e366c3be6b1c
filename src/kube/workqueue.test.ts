import assert from "node:assert/strict";
import { test } from "node:test";
import { type FakeClock, fakeClock } from "../testing/fake-clock.ts";
import { createWorkQueue, type WorkQueueConfig } from "./workqueue.ts";

/** A queue whose work on a key lasts until `finish(key)`. */
function setUp(config: Partial<WorkQueueConfig> = {}) {
  const clock: FakeClock = fakeClock();
  const started: string[] = [];
  const open = new Map<string, () => void>();
  const work = (key: string) => {
    started.push(key);
    assert.equal(open.has(key), false, `two at a time on ${key}`);
    return new Promise<void>((resolve) => open.set(key, resolve));
  };
  const queue = createWorkQueue({ clock, concurrency: 2, work, random: () => 1, ...config });
  const finish = async (key: string) => {
    open.get(key)!();
    open.delete(key);
    await clock.advance(0);
  };
  return { clock, queue, started, finish, turn: () => clock.advance(0) };
}

test("a key that waits is not added twice", async () => {
  const { queue, started, turn, finish } = setUp();
  for (const key of ["a", "b", "c", "a", "c", "c"]) queue.add(key);
  assert.equal(queue.depth(), 3);
  await turn();
  await finish("a");
  await finish("b");
  await finish("c");
  assert.deepEqual(started, ["a", "b", "c"]);
});

test("no more keys than the concurrency are worked on at a time", async () => {
  const { queue, started, turn, finish } = setUp({ concurrency: 2 });
  for (const key of ["a", "b", "c"]) queue.add(key);
  await turn();
  assert.deepEqual(started, ["a", "b"]);
  await finish("b");
  assert.deepEqual(started, ["a", "b", "c"]);
});

test("a key added while it is worked on is worked on once more, afterwards", async () => {
  const { queue, started, turn, finish } = setUp();
  queue.add("a");
  await turn();
  queue.add("a");
  queue.add("a");
  await turn();
  assert.deepEqual(started, ["a"]);
  await finish("a");
  await finish("a");
  assert.deepEqual(started, ["a", "a"]);
});

test("the slow lane waits for the fast one, but not for ever", async () => {
  const { queue, started, turn, finish } = setUp({ concurrency: 1 });
  queue.add("slow", "slow");
  for (let i = 0; i < 9; i++) queue.add(`fast${i}`);
  await turn();
  for (let i = 0; i < 9; i++) await finish(started.at(-1)!);
  assert.equal(started.indexOf("slow"), 4);
});

test("a key that waits in the slow lane moves to the fast one when it changes", async () => {
  const { queue, started, turn } = setUp({ concurrency: 1 });
  queue.add("a", "slow");
  queue.add("b", "slow");
  queue.add("b");
  await turn();
  assert.deepEqual(started, ["b"]);
});

test("of several delays the shortest counts", async () => {
  const { queue, started, clock } = setUp();
  queue.addAfter("a", 1000);
  queue.addAfter("a", 100);
  queue.addAfter("a", 500);
  await clock.advance(99);
  assert.deepEqual(started, []);
  await clock.advance(1);
  assert.deepEqual(started, ["a"]);
  assert.equal(clock.pendingTimers(), 0);
});

test("retries back off by doubling up to the limit, and start anew after forget", async () => {
  const { queue, started, clock, finish } = setUp({ backoff: { baseMs: 5, maxMs: 40 } });
  const delays: number[] = [];
  const retry = async (longestMs?: number) => {
    const before = started.length;
    queue.retry("a", longestMs);
    let waited = 0;
    for (; started.length === before; waited++) await clock.advance(1);
    delays.push(waited);
    await finish("a");
  };
  for (let i = 0; i < 5; i++) await retry();
  await retry(30);
  await retry(50);
  queue.forget("a");
  await retry();
  assert.deepEqual(delays, [5, 10, 20, 40, 40, 30, 40, 5]);
});

test("closing drops what waits, keeps no timer, and waits for the work under way", async () => {
  const { queue, started, clock, turn, finish } = setUp({ concurrency: 1 });
  queue.add("a");
  queue.add("b");
  queue.addAfter("c", 100);
  await turn();
  let closed = false;
  const closing = queue.close().then(() => {
    closed = true;
  });
  queue.add("a");
  await turn();
  assert.equal(closed, false);
  await finish("a");
  await closing;
  assert.deepEqual(started, ["a"]);
  assert.equal(clock.pendingTimers(), 0);
});
