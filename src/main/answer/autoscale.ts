import type { Metric } from "../../apis/autoscaling/metric.ts";
import { keyOf } from "../../apis/meta.ts";
import { type DeciderSpec, decide, initialDeciderState } from "../../autoscaler/decide.ts";
import { createMetricCollector } from "../../autoscaler/metric/collector.ts";
import { emptyStat } from "../../autoscaler/scrape/stat.ts";
import { type AverageWindow, linearWindow, weightedWindow } from "../../autoscaler/windows/average-window.ts";
import { currentMax, maxWindow, recordMax } from "../../autoscaler/windows/max-window.ts";
import { parseDuration } from "../../lib/duration.ts";

const simulationStartSeconds = 1_700_000_000;

interface AutoscaleRequest {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly initialReady?: number;
  readonly start?: number;
  readonly ticks?: readonly Tick[];
}

interface Tick {
  readonly t?: number;
  readonly stable?: number;
  readonly panic?: number;
  readonly ready?: number;
  /** What could not be had: "nodata", "metrics", "notfound" or "pods". */
  readonly error?: string;
  readonly spec?: Readonly<Record<string, unknown>>;
}

const unset: DeciderSpec = {
  maxScaleUpRate: 0,
  maxScaleDownRate: 0,
  scalingMetric: "",
  targetValue: 0,
  totalValue: 0,
  targetBurstCapacity: 0,
  activatorCapacity: 0,
  panicThreshold: 0,
  stableWindowMs: 0,
  scaleDownDelayMs: 0,
  initialScale: 0,
  reachable: false,
  activationScale: 0,
};

/** Op `autoscale`: what a decider says at each tick. */
export function answerAutoscale(request: AutoscaleRequest): unknown {
  const startMs = (request.start ?? simulationStartSeconds) * 1000;
  let spec = overlay(unset, request.spec ?? {});
  let state = initialDeciderState(spec, request.initialReady ?? 0, startMs);
  const results = (request.ticks ?? []).map((tick) => {
    const { t = 0, error } = tick;
    if (tick.spec) spec = overlay(spec, tick.spec);
    const known = error === undefined || error === "" || error === "notfound";
    let [desiredPodCount, excessBurstCapacity] = [0, 0];
    if (known) {
      const observation = {
        readyPods: error === "notfound" ? 0 : (tick.ready ?? 0),
        stableValue: tick.stable ?? 0,
        panicValue: tick.panic ?? 0,
      };
      const outcome = decide(spec, state, observation, startMs + t * 1000);
      state = outcome.state;
      desiredPodCount = outcome.decision.desiredPods;
      excessBurstCapacity = outcome.decision.excessBurstCapacity;
    }
    const panicSince = state.panicSinceMs === undefined ? null : (state.panicSinceMs - startMs) / 1000;
    return { t, valid: known, desiredPodCount, excessBurstCapacity, panicSince, maxPanicPods: state.maxPanicPods };
  });
  return { results };
}

/** Fields come by the names of upstream's Go struct, in any letter case; durations as texts. */
function overlay(spec: DeciderSpec, fields: Readonly<Record<string, unknown>>): DeciderSpec {
  const names = Object.keys(unset) as (keyof DeciderSpec)[];
  const given = Object.entries(fields).map(([key, value]) => {
    const name = names.find((candidate) => candidate.replace(/Ms$/, "").toLowerCase() === key.toLowerCase());
    if (!name) throw new Error(`DeciderSpec has no field "${key}"`);
    return [name, name.endsWith("Ms") ? parseDuration(String(value)) : value];
  });
  return { ...spec, ...Object.fromEntries(given) };
}

interface WindowsRequest {
  readonly type?: string;
  readonly window?: string;
  readonly granularity?: string;
  readonly start?: number;
  readonly steps?: readonly { readonly t?: number; readonly record?: number; readonly resize?: string }[];
}

/** Op `windows`: what a sliding window reads after each step. */
export function answerWindows(request: WindowsRequest): unknown {
  const startMs = (request.start ?? simulationStartSeconds) * 1000;
  const windowMs = parseDuration(request.window ?? "");
  const granularityMs = request.granularity ? parseDuration(request.granularity) : 1000;
  const steps = request.steps ?? [];
  if (request.type === "max") {
    let window = maxWindow(windowMs, granularityMs);
    return {
      results: steps.map(({ t = 0, record }) => {
        if (record !== undefined) window = recordMax(window, startMs + t * 1000, Math.trunc(record));
        return { t, current: currentMax(window) };
      }),
    };
  }
  const kinds: Readonly<Record<string, (windowMs: number, granularityMs: number) => AverageWindow>> = {
    timed: linearWindow,
    weighted: weightedWindow,
  };
  const window = kinds[request.type ?? ""]?.(windowMs, granularityMs);
  if (!window) throw new Error(`unknown window type "${request.type ?? ""}"`);
  return {
    results: steps.map(({ t = 0, record, resize }) => {
      const nowMs = startMs + t * 1000;
      // Upstream resizes by the machine's clock: long after whatever was recorded in simulated time.
      if (resize) window.resize(parseDuration(resize), Number.MAX_SAFE_INTEGER);
      if (record !== undefined) window.record(nowMs, record);
      return { t, average: window.average(nowMs), empty: window.isEmpty(nowMs) };
    }),
  };
}

interface MetricsRequest {
  readonly metric?: Metric;
  readonly start?: number;
  readonly steps?: readonly { readonly t?: number; readonly stat?: Partial<StatFields> }[];
}

interface StatFields {
  readonly podName: string;
  readonly averageConcurrentRequests: number;
  readonly averageProxiedConcurrentRequests: number;
  readonly requestCount: number;
  readonly proxiedRequestCount: number;
}

/** Op `metrics`: what the metric collector reads after each stat. */
export function answerMetrics(request: MetricsRequest): unknown {
  const { metric } = request;
  if (!metric) throw new Error("metric is missing");
  const startMs = (request.start ?? simulationStartSeconds) * 1000;
  let nowMs = startMs;
  const clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    setTimer: () => () => {},
    sleep: async () => {},
  };
  const collector = createMetricCollector(async () => undefined, clock);
  const key = keyOf(metric);
  collector.collect(metric);
  const read = (name: string) => {
    const averages = collector.averages(key, name);
    return typeof averages === "string" ? undefined : averages;
  };
  const results = (request.steps ?? []).map(({ t = 0, stat }) => {
    nowMs = startMs + t * 1000;
    if (stat) collector.record(key, { ...emptyStat, ...stat });
    const concurrency = read("concurrency");
    const rps = read("rps");
    return {
      t,
      stableConcurrency: concurrency?.stable ?? 0,
      panicConcurrency: concurrency?.panic ?? 0,
      ...(!concurrency && { concurrencyError: noData }),
      stableRPS: rps?.stable ?? 0,
      panicRPS: rps?.panic ?? 0,
      ...(!rps && { rpsError: noData }),
    };
  });
  collector.close();
  return { results };
}

const noData = "no data available";
