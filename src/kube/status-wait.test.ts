import assert from "node:assert/strict";
import { test } from "node:test";
import { type Configuration, Configuration as configurationKind } from "../apis/serving/configuration.ts";
import { silentLogger } from "../lib/log.ts";
import { fakeClient } from "../testing/fake-client.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import { fakeInformers } from "../testing/fake-informers.ts";
import { testConfiguration } from "../testing/serving-objects.ts";
import type { Outcome } from "./api.ts";
import { createPass } from "./pass.ts";

const nameOf = (index: number) => (index === 0 ? "hello" : `hello-${index}`);

/** Runs passes whose outcomes are given, one after the other, over one Configuration of `count` that there are. */
function passesWith(outcomes: readonly Outcome<Configuration>[], mayDelayStatus = true, count = 1) {
  const objects = Array.from({ length: count }, (_, index) =>
    testConfiguration({ metadata: { name: nameOf(index) }, status: {} }),
  );
  const client = fakeClient(objects);
  const clock = fakeClock();
  const left = [...outcomes];
  let owned = true;
  const pass = createPass<Configuration, undefined, undefined>(
    { kind: configurationKind, deps: undefined, reconcile: async () => left.shift() ?? {} },
    {
      client,
      lister: fakeInformers(objects).of(configurationKind),
      config: () => undefined,
      ownership: { owns: () => owned },
      clock,
      log: silentLogger,
      recorderOf: () => ({ normal() {}, warning() {} }),
      mayDelayStatus,
      signal: new AbortController().signal,
    },
  );
  const written = () => client.actions.map(({ object }) => (object as Configuration).status?.latestCreatedRevisionName);
  const run = (index = 0) => pass(`ns/${nameOf(index)}`);
  return { run, clock, written, disown: () => (owned = false), own: () => (owned = true) };
}

const saying = (
  latestCreatedRevisionName: string,
  more: Partial<Outcome<Configuration>> = {},
): Outcome<Configuration> => ({
  status: { latestCreatedRevisionName },
  statusMayWaitMs: 1000,
  ...more,
});

test("a status that may wait is written in time, however often it is found again", async () => {
  const { run, clock, written } = passesWith([saying("a"), saying("a"), saying("a")]);
  assert.deepEqual(await run(), { type: "done", requeueAfterMs: 1000 });
  await clock.advance(600);
  assert.deepEqual(await run(), { type: "done", requeueAfterMs: 400 });
  await clock.advance(400);
  assert.deepEqual(await run(), { type: "done" });
  assert.deepEqual(written(), ["a"]);
});

test("a later status takes the place of one that waits, and waits as long", async () => {
  const { run, clock, written } = passesWith([saying("a"), saying("b"), saying("b")]);
  await run();
  await clock.advance(600);
  assert.deepEqual(await run(), { type: "done", requeueAfterMs: 1000 });
  await clock.advance(1000);
  assert.deepEqual(await run(), { type: "done" });
  assert.deepEqual(written(), ["b"]);
});

test("a status that changes all the time is written after ten seconds", async () => {
  const names = Array.from({ length: 13 }, (_, index) => `r${index}`);
  const { run, clock, written } = passesWith(names.map((name) => saying(name)));
  for (const _ of names) {
    await run();
    await clock.advance(900);
  }
  assert.deepEqual(written(), ["r12"]);
});

for (const [others, waitMs] of [
  [24, 1000],
  [49, 2000],
  [99, 4000],
  [399, 4000],
] as const) {
  test(`a status waits ${waitMs / 1000} s beside those of ${others} more objects`, async () => {
    const outcomes = Array.from({ length: others + 1 }, () => saying("a"));
    const { run } = passesWith(outcomes, true, others + 1);
    for (let index = 1; index <= others; index++) await run(index);
    assert.deepEqual(await run(), { type: "done", requeueAfterMs: waitMs });
  });
}

test("a status that changes all the time is written after forty seconds beside those of a hundred more objects", async () => {
  const others = 100;
  const rounds = Array.from({ length: 13 }, (_, index) => saying(`r${index}`));
  const { run, clock, written } = passesWith(
    [...Array.from({ length: others }, () => saying("other")), ...rounds],
    true,
    others + 1,
  );
  for (let index = 1; index <= others; index++) await run(index);
  for (const _ of rounds) {
    await run();
    await clock.advance(3500);
  }
  assert.deepEqual(written(), ["r12"]);
});

test("a status that must not wait is written at once, and the wait starts anew", async () => {
  const { run, clock, written } = passesWith([saying("a"), saying("b", { statusMayWaitMs: 0 }), saying("c")]);
  await run();
  await clock.advance(900);
  await run();
  assert.deepEqual(written(), ["b"]);
  assert.deepEqual(await run(), { type: "done", requeueAfterMs: 1000 });
});

test("a failure is written with its status at once", async () => {
  const { run, written } = passesWith([saying("a", { error: new Error("oops") })]);
  assert.equal((await run()).type, "failed");
  assert.deepEqual(written(), ["a"]);
});

test("what asks for an earlier look gets it", async () => {
  const { run } = passesWith([saying("a", { requeueAfterMs: 50 })]);
  assert.deepEqual(await run(), { type: "done", requeueAfterMs: 50 });
});

test("a key that was lost and came back waits from the beginning", async () => {
  const { run, clock, disown, own } = passesWith([saying("a"), saying("b")]);
  await run();
  await clock.advance(900);
  disown();
  assert.equal((await run()).type, "skipped");
  own();
  assert.deepEqual(await run(), { type: "done", requeueAfterMs: 1000 });
});

test("single passes write their status at once", async () => {
  const { run, written } = passesWith([saying("a")], false);
  await run();
  assert.deepEqual(written(), ["a"]);
});
