import type { Metric } from "../../apis/autoscaling/metric.ts";
import { keyOf } from "../../apis/meta.ts";
import type { CancelTimer, Clock } from "../../lib/clock.ts";
import { startTicker } from "../../lib/ticker.ts";
import type { Stat } from "../scrape/stat.ts";
import { windowLengths } from "../settings.ts";
import { steadyTime } from "../steady-time.ts";
import {
  createLoadHistory,
  type Load,
  type LoadHistory,
  type LoadRecord,
  largestGapMs,
} from "../windows/load-history.ts";
import { type Averages, type LoadWindows, replayLoad } from "../windows/load-windows.ts";

const scrapeIntervalMs = 1000;
/** A timer may fire that much early. */
const timerSlackMs = 10;

/** Averages, and since when they rest on data without a gap: longer ago than the stable window means "on a full one". */
export interface KnownAverages extends Averages {
  readonly knownSinceMs: number;
}

/** Why there are no averages: nothing was recorded during the window, or nobody asked to collect. */
export type NoAverages = "no data" | "not collecting";

export interface MetricCollector {
  /** Begins to collect for a Metric, or takes its changed windows and target over. Returns the last scrape's error. */
  collect(metric: Metric): Error | undefined;
  /** Ends collecting for "namespace/name". */
  forget(key: string): void;
  /** The keys that are collected for. */
  keys(): readonly string[];
  /** Adds a Stat that somebody else gathered `ageMs` ago. */
  record(key: string, stat: Stat, ageMs?: number): void;
  averages(key: string, scalingMetric: string): KnownAverages | NoAverages;
  /** How long a key has been collected for here. */
  ageMs(key: string): number;
  /** What was seen, second by second. */
  history(key: string): LoadHistory | undefined;
  /** Takes in what another replica saw before us. */
  inherit(key: string, records: readonly LoadRecord[]): void;
  /** Calls back with the key when its scraping begins to fail, fails otherwise, or works again. */
  onHealthChange(handler: (key: string) => void): () => void;
  close(): void;
}

/** Fetches the present load of a Metric's revision; undefined when it has no pods. Rejects when it cannot be known. */
export type Scrape = (metric: Metric) => Promise<Stat | undefined>;

export interface CollectorOptions {
  /** Whether a key is ours; what is not is neither scraped nor recorded. All unless told. */
  readonly owns?: (key: string) => boolean;
  /** What another replica saw of a key's load before us. */
  readonly inheritance?: (key: string) => readonly LoadRecord[] | undefined;
}

interface Collection {
  metric: Metric;
  error: Error | undefined;
  windows: LoadWindows;
  readonly history: LoadHistory;
  /** When the first tick was due, less one interval. */
  readonly beganMs: number;
  /** Nobody collected before: that nothing is known of the time before is no gap. */
  readonly isFirst: boolean;
  readonly stop: CancelTimer;
}

/**
 * Gathers load into sliding windows. Source: serving v0.42.2 pkg/autoscaler/metrics collector.go. Unlike upstream, every
 * second counts once whenever its timer fires, and the few seconds that a slow or a failing scrape takes count as what
 * was found thereafter, not as no load.
 */
export function createMetricCollector(scrape: Scrape, clock: Clock, options: CollectorOptions = {}): MetricCollector {
  const { owns = () => true, inheritance = () => undefined } = options;
  const now = steadyTime(clock);
  const collections = new Map<string, Collection>();
  const handlers = new Set<(key: string) => void>();

  const setError = (key: string, collection: Collection, error: Error | undefined) => {
    const changed = collection.error?.message !== error?.message;
    collection.error = error;
    if (changed) for (const handler of handlers) handler(key);
  };

  /** Files what was found under the tick that is due now, and under those that were missed just before. */
  const observe = (collection: Collection, stat: Stat | undefined) => {
    const { history, beganMs } = collection;
    const elapsed = now() - beganMs + timerSlackMs;
    const atMs = beganMs + Math.floor(elapsed / scrapeIntervalMs) * scrapeIntervalMs;
    const load = stat && loadOf(stat);
    const last = history.lastMs() ?? atMs;
    const missed = Math.floor((atMs - last) / scrapeIntervalMs) - 1;
    if (missed > 0 && missed <= largestGapMs / scrapeIntervalMs) {
      for (let second = missed; second > 0; second--) file(collection, atMs - second * scrapeIntervalMs, load);
    }
    file(collection, atMs, load);
  };

  const tick = async (key: string) => {
    const collection = collections.get(key);
    if (!collection || !owns(key)) return;
    if (!collection.metric.spec.scrapeTarget) return setError(key, collection, undefined);
    try {
      const stat = await scrape(collection.metric);
      if (collections.get(key) !== collection) return;
      observe(collection, stat);
      setError(key, collection, undefined);
    } catch (error) {
      if (collections.get(key) !== collection) return;
      setError(key, collection, error instanceof Error ? error : new Error(String(error)));
    }
  };

  const begin = (key: string, metric: Metric) => {
    const inherited = inheritance(key);
    const history = createLoadHistory(windowLengths(metric).stableMs);
    if (inherited) {
      history.merge(inherited);
      history.fillGaps();
    }
    collections.set(key, {
      metric,
      error: undefined,
      windows: replayLoad(metric, history.records()),
      history,
      beganMs: now(),
      isFirst: !inherited && metric.status?.conditions === undefined,
      stop: startTicker(clock, scrapeIntervalMs, () => tick(key)),
    });
  };

  return {
    collect(metric) {
      const key = keyOf(metric);
      const known = collections.get(key);
      if (!known) {
        begin(key, metric);
        return undefined;
      }
      known.metric = metric;
      known.windows.resize(metric, now());
      known.history.resize(windowLengths(metric).stableMs);
      return known.error;
    },
    forget(key) {
      collections.get(key)?.stop();
      collections.delete(key);
    },
    keys: () => [...collections.keys()],
    record(key, stat, ageMs = 0) {
      const collection = collections.get(key);
      if (collection && owns(key)) file(collection, now() - ageMs, loadOf(stat));
    },
    averages(key, scalingMetric) {
      const collection = collections.get(key);
      if (!collection) return "not collecting";
      const { windows, metric } = collection;
      const nowMs = now();
      if (windows.isEmpty(scalingMetric, nowMs) && metric.spec.scrapeTarget) return "no data";
      return { ...windows.averages(scalingMetric, nowMs), knownSinceMs: knownSince(collection, nowMs) };
    },
    ageMs: (key) => now() - (collections.get(key)?.beganMs ?? now()),
    history: (key) => collections.get(key)?.history,
    inherit(key, records) {
      const collection = collections.get(key);
      if (!collection) return;
      collection.history.merge(records);
      collection.history.fillGaps();
      collection.windows = replayLoad(collection.metric, collection.history.records());
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

function file(collection: Collection, atMs: number, load: Load | undefined): void {
  collection.history.add(atMs, load);
  if (load) collection.windows.record(atMs, load);
}

function knownSince({ history, isFirst, beganMs }: Collection, nowMs: number): number {
  const lastMs = history.lastMs();
  if (lastMs === undefined || nowMs - lastMs > largestGapMs + scrapeIntervalMs) {
    return isFirst && nowMs - beganMs <= largestGapMs + scrapeIntervalMs ? Number.NEGATIVE_INFINITY : nowMs;
  }
  const sinceMs = history.unbrokenSinceMs() ?? nowMs;
  const fromTheStart = isFirst && sinceMs - beganMs <= largestGapMs + scrapeIntervalMs;
  return fromTheStart ? Number.NEGATIVE_INFINITY : sinceMs;
}

/** Requests that came through an activator were counted there already. */
function loadOf(stat: Stat): Load {
  return {
    concurrency: stat.averageConcurrentRequests - stat.averageProxiedConcurrentRequests,
    requests: stat.requestCount - stat.proxiedRequestCount,
  };
}
