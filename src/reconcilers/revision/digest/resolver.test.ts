import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "../../../lib/log.ts";
import { fakeClock } from "../../../testing/fake-clock.ts";
import { createDigestResolver, type DigestRequest, type ResolvedImage } from "./resolver.ts";

function setUp(resolve: DigestRequest["resolve"], images = ["a", "b"], maxInFlight = 100) {
  const clock = fakeClock();
  const resolver = createDigestResolver({ clock, log: silentLogger, maxInFlight });
  const told: string[] = [];
  resolver.onResult((key) => told.push(key));
  const request: DigestRequest = { key: "ns/r", images, timeoutMs: 10_000, resolve };
  return { clock, resolver, told, request, state: () => resolver.stateOf(request) };
}

const pin = async (image: string): Promise<ResolvedImage> => ({ pinned: `${image}@sha` });

test("all images of a revision are looked up once, then it is told", async () => {
  const asked: string[] = [];
  const { clock, told, state } = setUp(
    async (image) => {
      asked.push(image);
      return pin(image);
    },
    ["a", "b", "a"],
  );
  assert.deepEqual(state(), { is: "pending" });
  state();
  await clock.advance(0);
  assert.deepEqual(asked, ["a", "b"]);
  assert.deepEqual(told, ["ns/r"]);
  assert.deepEqual(state(), {
    is: "resolved",
    images: new Map([
      ["a", { pinned: "a@sha" }],
      ["b", { pinned: "b@sha" }],
    ]),
  });
  assert.equal(clock.pendingTimers(), 0);
});

test("a failed image is tried again by itself, later each time, and stays failed meanwhile", async () => {
  const attempts: number[] = [];
  const { clock, told, state } = setUp(async () => {
    attempts.push(clock.now());
    if (attempts.length < 5) throw new Error("down");
    return { pinned: "ok" };
  }, ["a"]);
  state();
  await clock.advance(0);
  assert.deepEqual(state().is, "failed");
  await clock.advance(60_000);
  assert.deepEqual(
    attempts.map((at) => at - attempts[0]!),
    [0, 1000, 3000, 7000, 15_000],
  );
  assert.equal(state().is, "resolved");
  assert.deepEqual(told, ["ns/r", "ns/r"], "once for the failure, once for the success");
});

test("the back-off does not grow beyond 1000 s", async () => {
  let attempts = 0;
  const { clock, resolver, state } = setUp(async () => {
    attempts++;
    throw new Error("down");
  }, ["a"]);
  state();
  await clock.advance(1023_000);
  const before = attempts;
  await clock.advance(3_000_000);
  assert.equal(attempts - before, 3);
  resolver.close();
  assert.equal(clock.pendingTimers(), 0);
});

test("who wants to be left alone is, but not for longer than the back-off grows", async () => {
  const attempts: number[] = [];
  const { clock, resolver, state } = setUp(async () => {
    attempts.push(clock.monotonic());
    const retryAfterMs = attempts.length === 1 ? 120_000 : attempts.length === 2 ? 9_000_000 : 500;
    throw Object.assign(new Error("too many requests"), { retryAfterMs });
  }, ["a"]);
  state();
  await clock.advance(1_130_000);
  assert.deepEqual(attempts, [0, 120_000, 1_120_000, 1_124_000]);
  resolver.close();
});

test("another failure of the same image is told, the same one again is not", async () => {
  const reasons = ["one", "one", "two"];
  const { clock, resolver, told, state } = setUp(async () => {
    throw new Error(reasons.shift());
  }, ["a"]);
  state();
  await clock.advance(3000);
  assert.equal(told.length, 2);
  const failed = state();
  assert.ok(failed.is === "failed" && failed.error.message === "two");
  resolver.close();
});

test("a look-up that takes too long is given up", async () => {
  const { clock, resolver, state } = setUp(
    (_, signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    ["a"],
  );
  state();
  await clock.advance(10_000);
  const failed = state();
  assert.ok(failed.is === "failed");
  assert.equal(failed.error.message, "no answer within 10s");
  resolver.close();
});

test("only so many look-ups are under way at once", async () => {
  let running = 0;
  let most = 0;
  const images = Array.from({ length: 20 }, (_, index) => `image-${index}`);
  const { clock, state } = setUp(
    async (image) => {
      most = Math.max(most, ++running);
      await clock.sleep(100);
      running--;
      return pin(image);
    },
    images,
    3,
  );
  state();
  await clock.advance(1000);
  assert.equal(most, 3);
  assert.equal(state().is, "resolved");
});

test("a revision that is forgotten is not looked up any further, nor told", async () => {
  const { clock, resolver, told, state } = setUp(async () => {
    throw new Error("down");
  }, ["a"]);
  state();
  await clock.advance(0);
  resolver.forget("ns/r");
  await clock.advance(60_000);
  assert.equal(told.length, 1);
  assert.equal(clock.pendingTimers(), 0);
});

test("what is under way for a revision that is forgotten is given up, and what waits is not begun", async () => {
  const asked: string[] = [];
  const { clock, resolver, told, request, state } = setUp(
    (image, signal) => {
      asked.push(image);
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve({ pinned: "too late" })));
    },
    ["a"],
    1,
  );
  state();
  resolver.stateOf({ ...request, key: "ns/waiting", images: ["b"] });
  resolver.forget("ns/waiting");
  resolver.forget("ns/r");
  await clock.advance(0);
  assert.deepEqual(asked, ["a"]);
  assert.deepEqual(told, []);
  assert.equal(clock.pendingTimers(), 0);
});

test("a revision that was made anew with one other image is looked up anew", async () => {
  const { clock, resolver, request, state } = setUp(pin);
  state();
  await clock.advance(0);
  const anew = { ...request, images: ["a", "c"] };
  assert.deepEqual(resolver.stateOf(anew), { is: "pending" });
  await clock.advance(0);
  const images = new Map([
    ["a", { pinned: "a@sha" }],
    ["c", { pinned: "c@sha" }],
  ]);
  assert.deepEqual(resolver.stateOf(anew), { is: "resolved", images });
});

test("nobody waits for a revision that is not looked up", async () => {
  const { clock, resolver } = setUp(pin);
  await resolver.settled("ns/r", 100);
  assert.equal(clock.pendingTimers(), 0);
});

test("whoever waits for the answer is woken instead of being told", async () => {
  const { clock, resolver, told, state } = setUp(
    async (image) => {
      await clock.sleep(20);
      return pin(image);
    },
    ["a"],
  );
  state();
  const settled = resolver.settled("ns/r", 100);
  await clock.advance(20);
  await settled;
  assert.equal(state().is, "resolved");
  assert.deepEqual(told, []);
  assert.equal(clock.pendingTimers(), 0);
});

test("waiting ends when the answer takes too long, and then it is told", async () => {
  const { clock, resolver, told, state } = setUp(
    async (image) => {
      await clock.sleep(500);
      return pin(image);
    },
    ["a"],
  );
  state();
  const settled = resolver.settled("ns/r", 100);
  await clock.advance(100);
  await settled;
  assert.equal(state().is, "pending");
  await clock.advance(400);
  assert.deepEqual(told, ["ns/r"]);
});
