import assert from "node:assert/strict";
import { test } from "node:test";
import type { Metric } from "../../apis/autoscaling/metric.ts";
import type { Clock } from "../../lib/clock.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import { emptyStat, type Stat } from "../scrape/stat.ts";
import { nanosecondsPerMs } from "../settings.ts";
import { createMetricCollector } from "./collector.ts";

const key = "ns/app";
const metric: Metric = {
  apiVersion: "autoscaling.internal.knative.dev/v1alpha1",
  kind: "Metric",
  metadata: { namespace: "ns", name: "app" },
  spec: { stableWindow: 60_000 * nanosecondsPerMs, panicWindow: 6000 * nanosecondsPerMs, scrapeTarget: "app-private" },
};

const statOf = (concurrency: number): Stat => ({
  ...emptyStat,
  podName: "service-scraper",
  averageConcurrentRequests: concurrency,
  requestCount: 2 * concurrency,
});

interface Row {
  readonly name: string;
  /** What a scrape at a second since the beginning finds; an Error fails, undefined means that there are no pods. */
  readonly scrape: (second: number) => number | Error | undefined;
  readonly seconds: number;
  /** The hours by which the wall clock is set forward (or, negative, back) after ten seconds. */
  readonly clockSetByHours?: number;
  readonly stable: number | "no data";
  readonly panic?: number;
  /** Whether every second of the window was seen. */
  readonly whole?: boolean;
}

const rows: Row[] = [
  { name: "steady load", scrape: () => 10, seconds: 90, stable: 10, panic: 10, whole: true },
  { name: "a new revision's first seconds", scrape: () => 10, seconds: 5, stable: 10, panic: 10, whole: true },
  {
    name: "one scrape in three fails: the seconds count as what was seen after them",
    scrape: (second) => (second % 3 === 0 ? new Error("refused") : 10),
    seconds: 92,
    stable: 10,
    panic: 10,
    whole: true,
  },
  {
    name: "nothing answers for twenty seconds: they count as no load, but the window is known not to be whole",
    scrape: (second) => (second > 60 && second <= 80 ? new Error("refused") : 12),
    seconds: 90,
    stable: 8,
    panic: 12,
    whole: false,
  },
  {
    name: "nothing answers any more",
    scrape: (s) => (s > 60 ? new Error("refused") : 12),
    seconds: 150,
    stable: "no data",
  },
  { name: "no pods", scrape: () => undefined, seconds: 90, stable: "no data" },
  {
    name: "the clock is set forward",
    scrape: () => 10,
    seconds: 90,
    clockSetByHours: 5,
    stable: 10,
    panic: 10,
    whole: true,
  },
  {
    name: "the clock is set back",
    scrape: () => 10,
    seconds: 90,
    clockSetByHours: -5,
    stable: 10,
    panic: 10,
    whole: true,
  },
];

for (const { name, scrape, seconds, clockSetByHours = 0, stable, panic, whole } of rows) {
  test(`load is collected: ${name}`, async () => {
    const time = fakeClock();
    const clock: Clock = {
      ...time,
      now: () => time.now() + (time.monotonic() > 10_000 ? clockSetByHours * 3_600_000 : 0),
    };
    const collector = createMetricCollector(async () => {
      const found = scrape(Math.round(time.monotonic() / 1000));
      if (found instanceof Error) throw found;
      return found === undefined ? undefined : statOf(found);
    }, clock);
    collector.collect(metric);
    await time.advance(seconds * 1000);
    const averages = collector.averages(key, "concurrency");
    if (typeof averages === "string") {
      assert.equal(averages, stable);
    } else {
      assert.equal(averages.stable, stable);
      assert.equal(averages.panic, panic);
      const knownForMs = time.monotonic() + Date.parse("2024-01-01T00:00:00Z") - averages.knownSinceMs;
      assert.equal(knownForMs >= 60_000, whole);
    }
    collector.close();
    assert.equal(time.pendingTimers(), 0);
  });
}

test("a scrape that takes three seconds leaves no hole, and the pods are asked one round at a time", async () => {
  const clock = fakeClock();
  let underWay = 0;
  let most = 0;
  const collector = createMetricCollector(async () => {
    most = Math.max(most, ++underWay);
    await clock.sleep(2900);
    underWay -= 1;
    return statOf(10);
  }, clock);
  collector.collect(metric);
  await clock.advance(90_000);
  const averages = collector.averages(key, "concurrency");
  assert.ok(typeof averages !== "string");
  assert.equal(averages.stable, 10);
  assert.equal(most, 1);
  collector.close();
});

test("what is not ours is neither scraped nor recorded", async () => {
  const clock = fakeClock();
  let scrapes = 0;
  const collector = createMetricCollector(
    async () => {
      scrapes += 1;
      return statOf(10);
    },
    clock,
    { owns: () => false },
  );
  collector.collect(metric);
  collector.record(key, statOf(5));
  await clock.advance(5000);
  assert.equal(scrapes, 0);
  assert.equal(collector.averages(key, "concurrency"), "no data");
  collector.close();
});

test("changes of health are told once", async () => {
  const clock = fakeClock();
  const told: string[] = [];
  const collector = createMetricCollector(async () => {
    if (clock.monotonic() > 10_000 && clock.monotonic() < 20_000) throw new Error("pods exhausted");
    return statOf(1);
  }, clock);
  collector.onHealthChange((of) => void told.push(`${of} ${Math.round(clock.monotonic() / 1000)}`));
  collector.collect(metric);
  await clock.advance(30_000);
  assert.deepEqual(told, ["ns/app 11", "ns/app 20"]);
  collector.close();
});

test("what is inherited while we collect already: the seconds between count as what was seen after them", async () => {
  const clock = fakeClock();
  const collector = createMetricCollector(async () => statOf(10), clock);
  collector.collect({ ...metric, status: { conditions: [] } });
  await clock.advance(2000);
  const startMs = Date.parse("2024-01-01T00:00:00Z");
  const before = Array.from({ length: 70 }, (_, second) => [startMs - (second + 3) * 1000, 10, 20] as const);
  collector.inherit(key, before.toReversed());
  const averages = collector.averages(key, "concurrency");
  assert.ok(typeof averages !== "string");
  assert.equal(averages.stable, 10);
  assert.equal(averages.panic, 10);
  collector.close();
});

test("what is inherited with a short gap: its seconds count as what was seen after them", async () => {
  const clock = fakeClock();
  const startMs = Date.parse("2024-01-01T00:00:00Z");
  const seconds = Array.from({ length: 70 }, (_, second) => startMs - (70 - second) * 1000);
  const told = seconds.filter((_, second) => second < 64 || second > 67).map((atMs) => [atMs, 10, 20] as const);
  const collector = createMetricCollector(async () => statOf(10), clock, { inheritance: () => told });
  collector.collect({ ...metric, status: { conditions: [] } });
  await clock.advance(1000);
  const averages = collector.averages(key, "concurrency");
  assert.ok(typeof averages !== "string");
  assert.deepEqual([averages.stable, averages.panic], [10, 10]);
  collector.close();
});

test("what was forgotten is not collected for, and begins anew when it comes back", async () => {
  const clock = fakeClock();
  let load = 10;
  const collector = createMetricCollector(async () => statOf(load), clock);
  collector.collect(metric);
  await clock.advance(5000);
  collector.forget(key);
  assert.equal(clock.pendingTimers(), 0);
  assert.deepEqual(collector.keys(), []);
  assert.equal(collector.averages(key, "concurrency"), "not collecting");
  load = 2;
  collector.collect(metric);
  await clock.advance(5000);
  const averages = collector.averages(key, "concurrency");
  assert.ok(typeof averages !== "string");
  assert.equal(averages.stable, 2);
  collector.close();
});
