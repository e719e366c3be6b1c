import assert from "node:assert/strict";
import { test } from "node:test";
import { type GcConfig, gcDisabled, parseGcConfig } from "../../config/gc.ts";
import { testConfiguration, testRevision } from "../../testing/serving-objects.ts";
import { collect } from "./collect.ts";

const nowMs = Date.parse("2024-01-10T00:00:00Z");
const minute = 60_000;

/** A revision of a generation that left its last Route so many minutes ago; made at the same time unless told. */
function revision(
  generation: number,
  leftMinutesAgo: number,
  more: { state?: string; madeMinutesAgo?: number; keep?: boolean } = {},
) {
  const { state = "reserve", madeMinutesAgo = leftMinutesAgo, keep } = more;
  const timeOf = (minutesAgo: number) => new Date(nowMs - minutesAgo * minute).toISOString();
  return testRevision(generation, {
    metadata: {
      creationTimestamp: timeOf(madeMinutesAgo),
      labels: { "serving.knative.dev/routingState": state },
      annotations: {
        "serving.knative.dev/routingStateModified": timeOf(leftMinutesAgo),
        ...(keep && { "serving.knative.dev/no-gc": "true" }),
      },
    },
  });
}

const off: GcConfig = {
  retainSinceCreateTimeMs: gcDisabled,
  retainSinceLastActiveTimeMs: gcDisabled,
  minNonActiveRevisions: 0,
  maxNonActiveRevisions: gcDisabled,
  gracePeriodMs: 0,
};
const ready = testConfiguration({ status: { latestReadyRevisionName: "hello-00009" } });
const three = [revision(1, 30), revision(2, 20), revision(3, 10)];

for (const [name, revisions, config, doomed, nextLookMinutes] of [
  ["with everything off nothing is ever deleted", three, off, [], undefined],
  [
    "with no revision allowed all go, the longest inactive first",
    [...three].reverse(),
    { ...off, maxNonActiveRevisions: 0 },
    [1, 2, 3],
    undefined,
  ],
  ["the oldest beyond the allowed number go", three, { ...off, maxNonActiveRevisions: 2 }, [1], undefined],
  [
    "at least so many stay, however stale",
    three,
    { ...off, retainSinceLastActiveTimeMs: minute, minNonActiveRevisions: 2 },
    [1],
    undefined,
  ],
  [
    "so few are all kept, however stale",
    three,
    { ...off, retainSinceLastActiveTimeMs: minute, minNonActiveRevisions: 4 },
    [],
    undefined,
  ],
  [
    "no more than so many stay, however fresh",
    three,
    { ...off, retainSinceLastActiveTimeMs: 60 * minute, maxNonActiveRevisions: 1 },
    [1, 2],
    30,
  ],
  [
    "stale ones go before the number is looked at",
    three,
    { ...off, retainSinceLastActiveTimeMs: 15 * minute, maxNonActiveRevisions: 1 },
    [1, 2],
    5,
  ],
  [
    "both ages must be reached",
    [revision(1, 30, { madeMinutesAgo: 40 })],
    { ...off, retainSinceCreateTimeMs: 35 * minute, retainSinceLastActiveTimeMs: 45 * minute },
    [],
    15,
  ],
  [
    "an age that is off does not hold back",
    [revision(1, 30, { madeMinutesAgo: 40 })],
    { ...off, retainSinceCreateTimeMs: 35 * minute },
    [1],
    undefined,
  ],
  [
    "active and pending ones stay",
    [revision(1, 30, { state: "active" }), revision(2, 30, { state: "pending" })],
    { ...off, maxNonActiveRevisions: 0 },
    [],
    undefined,
  ],
  [
    "one that the user pinned stays",
    [revision(1, 30, { keep: true })],
    { ...off, maxNonActiveRevisions: 0 },
    [],
    undefined,
  ],
  [
    "the latest ready one stays though no Route refers to it",
    [revision(9, 30)],
    { ...off, maxNonActiveRevisions: 0 },
    [],
    undefined,
  ],
  [
    "one that has just left its Route stays for the grace period",
    three,
    { ...off, maxNonActiveRevisions: 0, gracePeriodMs: 15 * minute },
    [1, 2],
    5,
  ],
  [
    "the grace period holds back what the ages would let go",
    three,
    { ...off, retainSinceLastActiveTimeMs: minute, gracePeriodMs: 15 * minute },
    [1, 2],
    5,
  ],
] as const) {
  test(name, () => {
    const collection = collect(ready, revisions, config, nowMs);
    assert.deepEqual(
      collection.doomed.map(({ metadata }) => metadata.name),
      doomed.map((generation) => `hello-0000${generation}`),
    );
    const next = collection.nextLookMs;
    assert.equal(next === undefined ? undefined : next / minute, nextLookMinutes);
  });
}

test("looking again when told deletes the next one", () => {
  const config = { ...off, maxNonActiveRevisions: 0, gracePeriodMs: 15 * minute };
  const { nextLookMs = 0 } = collect(ready, three, config, nowMs);
  const later = collect(ready, [three[2]!], config, nowMs + nextLookMs);
  assert.deepEqual(
    later.doomed.map(({ metadata }) => metadata.name),
    ["hello-00003"],
  );
});

test("the grace period is read from config-gc, and there is none unless it is set", () => {
  assert.equal(parseGcConfig({ "grace-period": "10m" }).gracePeriodMs, 10 * minute);
  assert.equal(parseGcConfig({}).gracePeriodMs, 0);
  assert.throws(() => parseGcConfig({ "grace-period": "-1m" }), /grace-period must be non-negative, was: -1m0s/);
});
