import type { Metric } from "../../apis/autoscaling/metric.ts";
import { keyOf } from "../../apis/meta.ts";
import type { CancelTimer, Clock } from "../../lib/clock.ts";
import { startTicker } from "../../lib/ticker.ts";
import type { Stat } from "../scrape/stat.ts";
import { aggregationAlgorithm, windowLengths } from "../settings.ts";
import { type AverageWindow, linearWindow, type WindowSnapshot, weightedWindow } from "../windows/average-window.ts";

const bucketMs = 1000;
const scrapeIntervalMs = 1000;

/** The load of a revision: averages over the stable and over the panic window. */
export interface Averages {
  readonly stable: number;
  readonly panic: number;
}

/** Why there are no averages: nothing was recorded during the window, or nobody asked to collect. */
export type NoAverages = "no data" | "not collecting";

/** The windows of one revision, as a successor needs them to go on. */
export interface CollectionSnapshot {
  readonly concurrency: WindowSnapshot;
  readonly panicConcurrency: WindowSnapshot;
  readonly requestRate: WindowSnapshot;
  readonly panicRequestRate: WindowSnapshot;
}

export interface MetricCollector {
  /** Begins to collect for a Metric, or takes its changed windows and target over. Returns the last scrape's error. */
  collect(metric: Metric): Error | undefined;
  /** Ends collecting for "namespace/name". */
  forget(key: string): void;
  /** Adds a Stat that somebody else gathered. */
  record(key: string, stat: Stat): void;
  averages(key: string, scalingMetric: string): Averages | NoAverages;
  snapshot(key: string): CollectionSnapshot | undefined;
  restore(key: string, snapshot: CollectionSnapshot): void;
  /** Calls back with the key when its scraping begins to fail, fails otherwise, or works again. */
  onHealthChange(handler: (key: string) => void): () => void;
  close(): void;
}

/** Fetches the present load of a Metric's revision; undefined when it has no pods. Rejects when it cannot be known. */
export type Scrape = (metric: Metric) => Promise<Stat | undefined>;

interface Collection {
  metric: Metric;
  error: Error | undefined;
  readonly windows: Readonly<Record<keyof CollectionSnapshot, AverageWindow>>;
  readonly stop: CancelTimer;
}

/** Gathers load into sliding windows. Source: serving v0.42.2 pkg/autoscaler/metrics collector.go. */
export function createMetricCollector(scrape: Scrape, clock: Clock): MetricCollector {
  const collections = new Map<string, Collection>();
  const handlers = new Set<(key: string) => void>();

  const setError = (key: string, collection: Collection, error: Error | undefined) => {
    const changed = collection.error?.message !== error?.message;
    collection.error = error;
    if (changed) for (const handler of handlers) handler(key);
  };

  const tick = async (key: string) => {
    const collection = collections.get(key);
    if (!collection) return;
    if (!collection.metric.spec.scrapeTarget) return setError(key, collection, undefined);
    try {
      const stat = await scrape(collection.metric);
      if (collections.get(key) !== collection) return;
      if (stat) record(collection, clock.now(), stat);
      setError(key, collection, undefined);
    } catch (error) {
      setError(key, collection, error instanceof Error ? error : new Error(String(error)));
    }
  };

  return {
    collect(metric) {
      const key = keyOf(metric);
      const known = collections.get(key);
      if (!known) {
        const stop = startTicker(clock, scrapeIntervalMs, () => tick(key));
        collections.set(key, { metric, error: undefined, windows: windowsOf(metric), stop });
        return undefined;
      }
      known.metric = metric;
      const { stableMs, panicMs } = windowLengths(metric);
      const now = clock.now();
      known.windows.concurrency.resize(stableMs, now);
      known.windows.requestRate.resize(stableMs, now);
      known.windows.panicConcurrency.resize(panicMs, now);
      known.windows.panicRequestRate.resize(panicMs, now);
      return known.error;
    },
    forget(key) {
      collections.get(key)?.stop();
      collections.delete(key);
    },
    record(key, stat) {
      const collection = collections.get(key);
      if (collection) record(collection, clock.now(), stat);
    },
    averages(key, scalingMetric) {
      const collection = collections.get(key);
      if (!collection) return "not collecting";
      const { windows, metric } = collection;
      const [stable, panic] =
        scalingMetric === "rps"
          ? [windows.requestRate, windows.panicRequestRate]
          : [windows.concurrency, windows.panicConcurrency];
      const now = clock.now();
      if (stable.isEmpty(now) && metric.spec.scrapeTarget) return "no data";
      return { stable: stable.average(now), panic: panic.average(now) };
    },
    snapshot(key) {
      const windows = collections.get(key)?.windows;
      return (
        windows && {
          concurrency: windows.concurrency.snapshot(),
          panicConcurrency: windows.panicConcurrency.snapshot(),
          requestRate: windows.requestRate.snapshot(),
          panicRequestRate: windows.panicRequestRate.snapshot(),
        }
      );
    },
    restore(key, snapshot) {
      const windows = collections.get(key)?.windows;
      if (!windows) return;
      windows.concurrency.restore(snapshot.concurrency);
      windows.panicConcurrency.restore(snapshot.panicConcurrency);
      windows.requestRate.restore(snapshot.requestRate);
      windows.panicRequestRate.restore(snapshot.panicRequestRate);
    },
    onHealthChange(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    close() {
      for (const collection of collections.values()) collection.stop();
      collections.clear();
    },
  };
}

function windowsOf(metric: Metric): Collection["windows"] {
  const create = aggregationAlgorithm(metric) === "weighted-exponential" ? weightedWindow : linearWindow;
  const { stableMs, panicMs } = windowLengths(metric);
  return {
    concurrency: create(stableMs, bucketMs),
    panicConcurrency: create(panicMs, bucketMs),
    requestRate: create(stableMs, bucketMs),
    panicRequestRate: create(panicMs, bucketMs),
  };
}

/** Requests that came through an activator were counted there already. */
function record({ windows }: Collection, nowMs: number, stat: Stat): void {
  const concurrency = stat.averageConcurrentRequests - stat.averageProxiedConcurrentRequests;
  const requests = stat.requestCount - stat.proxiedRequestCount;
  windows.concurrency.record(nowMs, concurrency);
  windows.panicConcurrency.record(nowMs, concurrency);
  windows.requestRate.record(nowMs, requests);
  windows.panicRequestRate.record(nowMs, requests);
}
