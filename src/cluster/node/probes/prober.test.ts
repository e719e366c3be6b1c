import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Probe } from "../../../apis/core/pod-spec.ts";
import { fakeClock } from "../../../testing/fake-clock.ts";
import { runProber } from "./prober.ts";
import type { ProbeKind } from "./state.ts";

/** Runs a prober against a container that is healthy when `healthyAt` says so, and notes what happens when. */
async function probe(
  kind: ProbeKind,
  spec: Probe,
  healthyAt: (ms: number) => boolean,
  forMs: number,
  known?: "success",
  jump?: { readonly atMs: number; readonly byMs: number },
) {
  const clock = fakeClock();
  const start = clock.now();
  const at = () => clock.monotonic();
  const seen = { attempts: [] as number[], results: [] as string[], failures: [] as number[] };
  const ended = new AbortController();
  const done = runProber({
    kind,
    probe: spec,
    known,
    startedAtMs: start,
    clock,
    attempt: async () => {
      seen.attempts.push(at());
      return healthyAt(at()) ? { ok: true } : { ok: false, message: "no" };
    },
    onResult: (healthy) => seen.results.push(`${healthy} at ${at()}`),
    onFailure: () => seen.failures.push(at()),
    signal: ended.signal,
  });
  for (let passed = 0; passed < forMs; passed += 5) {
    if (passed === jump?.atMs) clock.jump(jump.byMs);
    await clock.advance(5);
  }
  ended.abort();
  await clock.advance(1);
  await done;
  assert.equal(clock.pendingTimers(), 0);
  return seen;
}

describe("a prober", () => {
  it("finds a container ready soon after it is, however long the period", async () => {
    const { results, failures } = await probe("readiness", { periodSeconds: 10 }, (ms) => ms >= 300, 1000);
    assert.deepEqual(results, ["true at 310"]);
    assert.deepEqual(failures, []);
  });
  it("counts failures by the period only", async () => {
    const spec = { periodSeconds: 1, failureThreshold: 2 };
    const { results, failures } = await probe("startup", spec, () => false, 3000);
    assert.deepEqual(failures, [1000, 2000]);
    assert.deepEqual(results, ["false at 2000"]);
  });
  it("keeps to the period once the container was ready", async () => {
    const { attempts } = await probe("readiness", { periodSeconds: 1 }, () => true, 3500);
    assert.deepEqual(attempts, [0, 1000, 2000, 3000]);
  });
  it("waits for the initial delay", async () => {
    const { attempts } = await probe("readiness", { periodSeconds: 1, initialDelaySeconds: 2 }, () => true, 2500);
    assert.deepEqual(attempts, [2000]);
  });
  it("gives a live container up after as many failures as it may have", async () => {
    const spec = { periodSeconds: 1, failureThreshold: 3 };
    const { results } = await probe("liveness", spec, (ms) => ms < 1500, 6000);
    assert.deepEqual(results, ["false at 4000"]);
  });
  it("asks for as many successes in a row as are wanted, one for each period", async () => {
    const { results } = await probe("readiness", { periodSeconds: 1, successThreshold: 3 }, () => true, 3500);
    assert.deepEqual(results, ["true at 2000"]);
  });
  const hourMs = 3_600_000;
  for (const byMs of [-hourMs, hourMs]) {
    it(`keeps to its times when the wall clock is set ${byMs < 0 ? "back" : "forward"}`, async () => {
      const spec = { periodSeconds: 1, failureThreshold: 2 };
      const { attempts } = await probe("readiness", spec, () => true, 3500, "success", { atMs: 1500, byMs });
      assert.deepEqual(attempts, [0, 1000, 2000, 3000]);
      const dead = await probe("startup", spec, () => false, 3000, undefined, { atMs: 500, byMs });
      assert.deepEqual(dead.failures, [1000, 2000]);
    });
  }
  it("goes on from what an earlier agent knew", async () => {
    const spec = { periodSeconds: 1, failureThreshold: 2 };
    const { results, attempts } = await probe("readiness", spec, () => false, 1500, "success");
    assert.deepEqual([results, attempts], [["false at 1000"], [0, 1000]]);
  });
});
