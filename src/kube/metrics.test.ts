import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "prom-client";
import { fakeClock } from "../testing/fake-clock.ts";
import { createKubeMetrics } from "./metrics.ts";
import { createWorkQueue } from "./workqueue.ts";

async function setUp() {
  const clock = fakeClock();
  const registry = new Registry();
  const metrics = createKubeMetrics(registry, "hakn_serving_", clock);
  const sample = async (name: string, labels: Readonly<Record<string, string>> = {}) => {
    const metric = (await registry.getMetricsAsJSON()).find((metric) => metric.name === `hakn_serving_${name}`);
    return (
      metric?.values as { labels: Record<string, string>; value: number; metricName?: string }[] | undefined
    )?.find(
      (value) =>
        Object.entries(labels).every(([label, wanted]) => value.labels[label] === wanted) &&
        (value.metricName === undefined || value.metricName.endsWith("_sum")),
    )?.value;
  };
  return { clock, registry, metrics, sample };
}

test("the names are upstream's", async () => {
  const { registry } = await setUp();
  const names = (await registry.getMetricsAsJSON()).map(({ name }) => name.replace("hakn_serving_", "")).sort();
  assert.deepEqual(names, [
    "client_latency",
    "client_results",
    "reconcile_count",
    "reconcile_latency",
    "work_queue_depth",
    "workqueue_adds_total",
    "workqueue_depth",
    "workqueue_longest_running_processor_seconds",
    "workqueue_queue_latency_seconds",
    "workqueue_retries_total",
    "workqueue_unfinished_work_seconds",
    "workqueue_work_duration_seconds",
  ]);
});

test("a queue's life shows in its metrics", async () => {
  const { clock, metrics, sample } = await setUp();
  const ends: (() => void)[] = [];
  const queue = createWorkQueue({
    clock,
    concurrency: 2,
    work: () => new Promise((resolve) => ends.push(resolve)),
    observe: metrics.controller("routes"),
  });
  for (const key of ["a", "b", "c"]) queue.add(key);
  assert.equal(await sample("workqueue_depth", { name: "routes" }), 3);
  await clock.advance(4000);
  assert.equal(await sample("workqueue_adds_total", { name: "routes" }), 3);
  assert.equal(await sample("work_queue_depth", { reconciler: "routes" }), 1);
  assert.equal(await sample("workqueue_unfinished_work_seconds", { name: "routes" }), 8);
  assert.equal(await sample("workqueue_longest_running_processor_seconds", { name: "routes" }), 4);
  for (const end of ends) end();
  await clock.advance(0);
  assert.equal(await sample("workqueue_work_duration_seconds", { name: "routes" }), 8);
  assert.equal(await sample("workqueue_unfinished_work_seconds", { name: "routes" }), 0);
  queue.retry("a");
  assert.equal(await sample("workqueue_retries_total", { name: "routes" }), 1);
  ends.at(-1)!();
  await queue.close();
});

test("passes count by reconciler, success and namespace", async () => {
  const { metrics, sample } = await setUp();
  const routes = metrics.controller("routes");
  routes.reconciled("ns/a", true, 20);
  routes.reconciled("ns/b", true, 30);
  routes.reconciled("ns/b", false, 1000);
  const ok = { reconciler: "routes", success: "true", namespace_name: "ns" };
  assert.equal(await sample("reconcile_count", ok), 2);
  assert.equal(await sample("reconcile_latency", ok), 50);
  assert.equal(await sample("reconcile_count", { ...ok, success: "false" }), 1);
});

test("requests count by method, host and code", async () => {
  const { metrics, sample } = await setUp();
  metrics.request({ method: "GET", host: "api:443", code: "404", durationMs: 500 });
  assert.equal(await sample("client_results", { method: "GET", host: "api:443", code: "404" }), 1);
  assert.equal(await sample("client_latency"), 0.5);
});
