import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { splitKey } from "../apis/meta.ts";
import type { Clock } from "../lib/clock.ts";
import type { RequestFacts } from "./client.ts";
import type { QueueObserver } from "./workqueue.ts";

/** Where controllers and clients report what they do. */
export interface KubeMetrics {
  controller(name: string): ControllerMetrics;
  /** Made to be a client's `onRequest`. */
  request(facts: RequestFacts): void;
}

export interface ControllerMetrics extends QueueObserver {
  reconciled(key: string, success: boolean, durationMs: number): void;
}

const reconcileBucketsMs = [10, 100, 1000, 10_000, 30_000, 60_000];
const secondsBuckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10];

/**
 * Prometheus metrics under upstream's names, each with `prefix` (such as "hakn_serving_"), registered in `registry`.
 * Source: knative.dev/pkg controller/stats_reporter.go and metrics (20240716).
 */
export function createKubeMetrics(registry: Registry, prefix: string, clock: Clock): KubeMetrics {
  const base = (name: string, help: string) => ({ name: prefix + name, help, registers: [registry] });
  const byQueue = { labelNames: ["name"] as const };
  const byReconcile = { labelNames: ["reconciler", "success", "namespace_name"] as const };
  /** Start times of the work under way, by queue and key. */
  const running = new Map<string, Map<string, number>>();

  const depth = new Gauge({ ...base("work_queue_depth", "Depth of the work queue"), labelNames: ["reconciler"] });
  const count = new Counter({ ...base("reconcile_count", "Number of reconcile operations"), ...byReconcile });
  const latency = new Histogram({
    ...base("reconcile_latency", "Latency of reconcile operations in milliseconds"),
    ...byReconcile,
    buckets: reconcileBucketsMs,
  });
  const adds = new Counter({
    ...base("workqueue_adds_total", "Total number of adds handled by workqueue"),
    ...byQueue,
  });
  const queueDepth = new Gauge({ ...base("workqueue_depth", "Current depth of workqueue"), ...byQueue });
  const retries = new Counter({
    ...base("workqueue_retries_total", "Total number of retries handled by workqueue"),
    ...byQueue,
  });
  const waited = new Histogram({
    ...base("workqueue_queue_latency_seconds", "How long an item stays in workqueue before being requested"),
    ...byQueue,
    buckets: secondsBuckets,
  });
  const worked = new Histogram({
    ...base("workqueue_work_duration_seconds", "How long processing an item from workqueue takes"),
    ...byQueue,
    buckets: secondsBuckets,
  });
  const forEachQueue = (gauge: Gauge<"name">, reduceAges: (agesMs: number[]) => number) => {
    const now = clock.monotonic();
    for (const [name, starts] of running) {
      gauge.set({ name }, reduceAges([...starts.values()].map((startedAt) => now - startedAt)) / 1000);
    }
  };
  new Gauge({
    ...base("workqueue_unfinished_work_seconds", "How long the outstanding items have been in flight, in total"),
    ...byQueue,
    collect() {
      forEachQueue(this, (agesMs) => agesMs.reduce((sum, ageMs) => sum + ageMs, 0));
    },
  });
  new Gauge({
    ...base("workqueue_longest_running_processor_seconds", "How long the longest outstanding item has been in flight"),
    ...byQueue,
    collect() {
      forEachQueue(this, (agesMs) => Math.max(0, ...agesMs));
    },
  });
  const requestSeconds = new Histogram({
    ...base("client_latency", "How long Kubernetes API requests take, in seconds"),
    labelNames: ["name"],
    buckets: secondsBuckets,
  });
  const requestResults = new Counter({
    ...base("client_results", "Total number of API requests, by status code"),
    labelNames: ["name", "method", "host", "code"],
  });

  return {
    controller(name) {
      const starts = new Map<string, number>();
      running.set(name, starts);
      const observeDepth = (value: number) => {
        depth.set({ reconciler: name }, value);
        queueDepth.set({ name }, value);
      };
      return {
        added(value) {
          adds.inc({ name });
          observeDepth(value);
        },
        retried: () => retries.inc({ name }),
        started(key, waitedMs, value) {
          starts.set(key, clock.monotonic());
          waited.observe({ name }, waitedMs / 1000);
          observeDepth(value);
        },
        finished(key, tookMs) {
          starts.delete(key);
          worked.observe({ name }, tookMs / 1000);
        },
        reconciled(key, success, durationMs) {
          const labels = { reconciler: name, success: String(success), namespace_name: splitKey(key).namespace ?? "" };
          count.inc(labels);
          latency.observe(labels, durationMs);
        },
      };
    },
    request({ method, host, code, durationMs }) {
      requestSeconds.observe({ name: "" }, durationMs / 1000);
      requestResults.inc({ name: "", method, host, code });
    },
  };
}
