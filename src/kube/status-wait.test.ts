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

/** Runs passes whose outcomes are given, one after the other, over one Configuration. */
function passesWith(outcomes: readonly Outcome<Configuration>[], mayDelayStatus = true) {
  const objects = [testConfiguration({ status: {} })];
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
  return { run: () => pass("ns/hello"), clock, written, disown: () => (owned = false), own: () => (owned = true) };
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
