import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodAutoscaler } from "../apis/autoscaling/podautoscaler.ts";
import { parseAutoscalerConfig } from "../config/autoscaler.ts";
import { makeDeciderSpec } from "./kpa/decider-spec.ts";
import { makeMetric } from "./kpa/metric.ts";
import { aggregationAlgorithm, scaleBounds, windowLengths } from "./settings.ts";

interface Row {
  /** Annotations, without their group. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly config?: Readonly<Record<string, string>>;
  readonly containerConcurrency?: number;
  readonly reachability?: "Reachable" | "Unreachable";
  readonly want: Readonly<Record<string, unknown>>;
}

const rows: Row[] = [
  {
    annotations: {},
    want: {
      min: 0,
      max: 0,
      scalingMetric: "concurrency",
      targetValue: 70,
      totalValue: 100,
      panicThreshold: 2,
      stableWindowMs: 60_000,
      panicMs: 6000,
      scaleDownDelayMs: 0,
      initialScale: 1,
      activationScale: 0,
      reachable: true,
      algorithm: "linear",
    },
  },
  { annotations: {}, config: { "min-scale": "2", "max-scale": "30" }, want: { min: 2, max: 30 } },
  { annotations: { "min-scale": "3", "max-scale": "4" }, config: { "min-scale": "2" }, want: { min: 3, max: 4 } },
  { annotations: { minScale: "3", maxScale: "4" }, want: { min: 3, max: 4 } },
  { annotations: { minScale: "3", "min-scale": "5" }, want: { min: 5 } },
  { annotations: { "min-scale": "3" }, reachability: "Unreachable", want: { min: 0, reachable: false } },
  {
    annotations: { "min-scale": "many", "max-scale": "1e9" },
    config: { "max-scale": "30" },
    want: { min: 0, max: 30 },
  },
  { annotations: { initialScale: "4" }, want: { initialScale: 4 } },
  { annotations: { "initial-scale": "0" }, config: { "initial-scale": "2" }, want: { initialScale: 2 } },
  {
    annotations: { "initial-scale": "0" },
    config: { "allow-zero-initial-scale": "true" },
    want: { initialScale: 0 },
  },
  { annotations: { "activation-scale": "3" }, want: { activationScale: 3 } },
  { annotations: { "scale-down-delay": "15m" }, want: { scaleDownDelayMs: 900_000 } },
  { annotations: { scaleDownDelay: "30s" }, want: { scaleDownDelayMs: 30_000 } },
  { annotations: { window: "30s" }, want: { stableWindowMs: 30_000, panicMs: 3000 } },
  { annotations: { window: "6s" }, want: { stableWindowMs: 6000, panicMs: 1000 } },
  { annotations: { window: "soon" }, want: { stableWindowMs: 60_000 } },
  { annotations: { "panic-window-percentage": "50" }, want: { panicMs: 30_000 } },
  { annotations: { panicWindowPercentage: "1" }, want: { panicMs: 1000 } },
  { annotations: { "panic-threshold-percentage": "150" }, want: { panicThreshold: 1.5 } },
  { annotations: { panicThresholdPercentage: "1000" }, want: { panicThreshold: 10 } },
  { annotations: { target: "10" }, want: { targetValue: 7, totalValue: 10 } },
  { annotations: { target: "10" }, containerConcurrency: 5, want: { targetValue: 3.5, totalValue: 5 } },
  { annotations: {}, containerConcurrency: 5, want: { targetValue: 3.5, totalValue: 5 } },
  { annotations: { target: "0.001" }, want: { targetValue: 0.01, totalValue: 0.001 } },
  { annotations: { target: "NaN" }, want: { targetValue: 70 } },
  { annotations: { targetUtilizationPercentage: "50" }, want: { targetValue: 50, totalValue: 100 } },
  // What admission refuses may still be there, where it was away when somebody wrote a PodAutoscaler.
  { annotations: { window: "100000h" }, want: { stableMs: 3_600_000, panicMs: 3_600_000 } },
  { annotations: { window: "-5s" }, want: { stableMs: 1000, panicMs: 1000 } },
  { annotations: { window: "1ns" }, want: { stableMs: 1000, panicMs: 1000 } },
  { annotations: { window: "soon" }, want: { stableMs: 60_000 } },
  { annotations: { "panic-window-percentage": "1e300" }, want: { panicMs: 3_600_000 } },
  { annotations: { "panic-window-percentage": "-50" }, want: { panicMs: 1000 } },
  { annotations: { target: "-7" }, want: { targetValue: 0.01 } },
  { annotations: { target: "NaN" }, want: { targetValue: 70 } },
  { annotations: { "min-scale": "1e9", "max-scale": "many" }, want: { min: 0, max: 0 } },
  { annotations: { metric: "rps" }, want: { scalingMetric: "rps", targetValue: 140, totalValue: 200 } },
  { annotations: { metric: "rps", target: "50" }, containerConcurrency: 5, want: { totalValue: 50 } },
  { annotations: { "target-burst-capacity": "-1" }, want: { targetBurstCapacity: -1 } },
  { annotations: { targetBurstCapacity: "70" }, want: { targetBurstCapacity: 70 } },
  {
    annotations: { "metric-aggregation-algorithm": "weighted-exponential" },
    want: { algorithm: "weighted-exponential" },
  },
  { annotations: { metricAggregationAlgorithm: "weightedExponential" }, want: { algorithm: "weighted-exponential" } },
];

for (const { annotations, config: data = {}, containerConcurrency = 0, reachability = "Reachable", want } of rows) {
  const given = JSON.stringify({ ...annotations, ...data, ...(containerConcurrency && { containerConcurrency }) });
  test(`settings of a revision: ${given} ${reachability}`, () => {
    const pa: PodAutoscaler = {
      apiVersion: "autoscaling.internal.knative.dev/v1alpha1",
      kind: "PodAutoscaler",
      metadata: {
        name: "rev",
        namespace: "ns",
        annotations: Object.fromEntries(
          Object.entries(annotations).map(([key, value]) => [`autoscaling.knative.dev/${key}`, value]),
        ),
      },
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "rev-deployment" },
        protocolType: "http1",
        reachability,
        containerConcurrency,
      },
    };
    const config = parseAutoscalerConfig(data);
    const metric = makeMetric(pa, "rev-private", config);
    const all: Readonly<Record<string, unknown>> = {
      ...makeDeciderSpec(pa, config),
      ...scaleBounds(pa, config),
      ...windowLengths(metric),
      algorithm: aggregationAlgorithm(metric),
    };
    for (const [name, value] of Object.entries(want)) {
      const got = all[name];
      if (typeof value === "number") assert.ok(Math.abs(Number(got) - value) < 1e-9, `${name}: ${got}, not ${value}`);
      else assert.equal(got, value, name);
    }
  });
}
