import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../../../../testing/fake-clock.ts";
import { createProbe } from "./probe.ts";

const signal = new AbortController().signal;
const silent = (given: AbortSignal) =>
  new Promise<never>((_, reject) => given.addEventListener("abort", () => reject(given.reason)));

test("silence is waited out for a second, and then remembered for three minutes", async () => {
  const clock = fakeClock();
  let asked = 0;
  const probe = createProbe(clock, "the server", (given) => {
    asked++;
    return silent(given);
  });
  const first = probe(signal).catch((error: Error) => error.message);
  await clock.advance(1000);
  assert.equal(await first, "the server: no answer within 1s");
  await clock.advance(179_000);
  await assert.rejects(probe(signal), { message: "the server: no answer within 1s" });
  assert.equal(asked, 1);
  await clock.advance(1000);
  const again = probe(signal).catch(() => {});
  await clock.advance(1000);
  await again;
  assert.equal(asked, 2);
  assert.equal(clock.pendingTimers(), 0);
});

test("what fails at once is asked again after ten seconds", async () => {
  const clock = fakeClock();
  const answers = [() => Promise.reject(new Error("ECONNREFUSED")), async () => "there"];
  const probe = createProbe(clock, "the server", () => answers.shift()!());
  await assert.rejects(probe(signal), { message: "the server: ECONNREFUSED" });
  await clock.advance(9999);
  await assert.rejects(probe(signal), { message: "the server: ECONNREFUSED" });
  await clock.advance(1);
  assert.equal(await probe(signal), "there");
  assert.equal(clock.pendingTimers(), 0);
});

test("who gives up before the second is over has learnt nothing", async () => {
  const clock = fakeClock();
  const stop = new AbortController();
  let asked = 0;
  const probe = createProbe(clock, "the server", (given) => (++asked === 1 ? silent(given) : Promise.resolve("there")));
  const first = probe(stop.signal);
  stop.abort(new Error("no longer wanted"));
  await assert.rejects(first, { message: "no longer wanted" });
  assert.equal(await probe(signal), "there");
});
