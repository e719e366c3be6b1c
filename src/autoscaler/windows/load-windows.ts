import type { Metric } from "../../apis/autoscaling/metric.ts";
import { aggregationAlgorithm, windowLengths } from "../settings.ts";
import { type AverageWindow, linearWindow, weightedWindow } from "./average-window.ts";
import type { Load, LoadRecord } from "./load-history.ts";

const bucketMs = 1000;

/** The load of a revision: averages over the stable and over the panic window. */
export interface Averages {
  readonly stable: number;
  readonly panic: number;
}

/** The four windows over which a revision's load is averaged: concurrency and requests, each stable and panic. */
export interface LoadWindows {
  record(atMs: number, load: Load): void;
  averages(scalingMetric: string, nowMs: number): Averages;
  /** Whether nothing was recorded during the stable window. */
  isEmpty(scalingMetric: string, nowMs: number): boolean;
  /** Takes changed lengths over. */
  resize(metric: Metric, nowMs: number): void;
}

/** Empty windows of the lengths and the kind that `metric` asks for. */
function createLoadWindows(metric: Metric): LoadWindows {
  const create = aggregationAlgorithm(metric) === "weighted-exponential" ? weightedWindow : linearWindow;
  const { stableMs, panicMs } = windowLengths(metric);
  const concurrency = { stable: create(stableMs, bucketMs), panic: create(panicMs, bucketMs) };
  const requests = { stable: create(stableMs, bucketMs), panic: create(panicMs, bucketMs) };
  const of = (scalingMetric: string): Readonly<Record<keyof Averages, AverageWindow>> =>
    scalingMetric === "rps" ? requests : concurrency;
  return {
    record(atMs, load) {
      for (const window of [concurrency.stable, concurrency.panic]) window.record(atMs, load.concurrency);
      for (const window of [requests.stable, requests.panic]) window.record(atMs, load.requests);
    },
    averages(scalingMetric, nowMs) {
      const { stable, panic } = of(scalingMetric);
      return { stable: stable.average(nowMs), panic: panic.average(nowMs) };
    },
    isEmpty: (scalingMetric, nowMs) => of(scalingMetric).stable.isEmpty(nowMs),
    resize(changed, nowMs) {
      const lengths = windowLengths(changed);
      for (const window of [concurrency.stable, requests.stable]) window.resize(lengths.stableMs, nowMs);
      for (const window of [concurrency.panic, requests.panic]) window.resize(lengths.panicMs, nowMs);
    },
  };
}

/** Windows that hold what is recorded. */
export function replayLoad(metric: Metric, records: readonly LoadRecord[]): LoadWindows {
  const windows = createLoadWindows(metric);
  for (const record of records) {
    if (record.length === 3) windows.record(record[0], { concurrency: record[1], requests: record[2] });
  }
  return windows;
}
