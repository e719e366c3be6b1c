import { formatDuration } from "../lib/duration.ts";
import { formatGoFloat } from "../lib/go-number.ts";
import {
  asBool,
  asDuration,
  asFloat,
  asInt32,
  asString,
  check,
  configParser,
  overlay,
  prefixed,
  type Row,
  type Rule,
} from "./fields.ts";

/** How revisions scale (config-autoscaler). Source: serving v0.42.2 pkg/autoscaler/config. */
export interface AutoscalerConfig {
  /** Whether a revision without traffic loses its last pod. */
  readonly enableScaleToZero: boolean;
  /** The share (0, 1] of a pod's concurrency that the autoscaler aims at. */
  readonly containerConcurrencyTargetFraction: number;
  /** The concurrency of a pod where the revision sets no limit. */
  readonly containerConcurrencyTargetDefault: number;
  /** The share (0, 1] of a pod's target that the autoscaler aims at, of metrics other than concurrency. */
  readonly targetUtilization: number;
  readonly rpsTargetDefault: number;
  /** Requests that a burst may bring at once; -1: unlimited, the activator is always in the path. */
  readonly targetBurstCapacity: number;
  /** Concurrent requests that one activator takes. */
  readonly activatorCapacity: number;
  readonly allowZeroInitialScale: boolean;
  readonly initialScale: number;
  readonly minScale: number;
  /** 0: no bound. */
  readonly maxScale: number;
  /** The largest max-scale that a revision may ask for; 0: no bound. */
  readonly maxScaleLimit: number;
  /** The largest ratio of pods wanted to pods ready in one step. */
  readonly maxScaleUpRate: number;
  /** The largest ratio of pods ready to pods wanted in one step. */
  readonly maxScaleDownRate: number;
  readonly stableWindowMs: number;
  /** Length of the panic window, in per cent of the stable one. */
  readonly panicWindowPercentage: number;
  /** Load, in per cent of the capacity, from which the panic window decides. */
  readonly panicThresholdPercentage: number;
  readonly scaleToZeroGracePeriodMs: number;
  readonly scaleToZeroPodRetentionPeriodMs: number;
  readonly scaleDownDelayMs: number;
  readonly podAutoscalerClass: string;
}

const defaults: AutoscalerConfig = {
  enableScaleToZero: true,
  containerConcurrencyTargetFraction: 0.7,
  containerConcurrencyTargetDefault: 100,
  targetUtilization: 0.7,
  rpsTargetDefault: 200,
  targetBurstCapacity: 211,
  activatorCapacity: 100,
  allowZeroInitialScale: false,
  initialScale: 1,
  minScale: 0,
  maxScale: 0,
  maxScaleLimit: 0,
  maxScaleUpRate: 1000,
  maxScaleDownRate: 2,
  stableWindowMs: 60_000,
  panicWindowPercentage: 10,
  panicThresholdPercentage: 200,
  scaleToZeroGracePeriodMs: 30_000,
  scaleToZeroPodRetentionPeriodMs: 0,
  scaleDownDelayMs: 0,
  podAutoscalerClass: "kpa.autoscaling.knative.dev",
};

const rows: readonly Row<AutoscalerConfig>[] = [
  ["pod-autoscaler-class", "podAutoscalerClass", asString],
  ["enable-scale-to-zero", "enableScaleToZero", asBool],
  ["allow-zero-initial-scale", "allowZeroInitialScale", asBool],
  ["max-scale-up-rate", "maxScaleUpRate", asFloat],
  ["max-scale-down-rate", "maxScaleDownRate", asFloat],
  ["container-concurrency-target-percentage", "containerConcurrencyTargetFraction", asFloat],
  ["container-concurrency-target-default", "containerConcurrencyTargetDefault", asFloat],
  ["requests-per-second-target-default", "rpsTargetDefault", asFloat],
  ["target-burst-capacity", "targetBurstCapacity", asFloat],
  ["panic-window-percentage", "panicWindowPercentage", asFloat],
  ["activator-capacity", "activatorCapacity", asFloat],
  ["panic-threshold-percentage", "panicThresholdPercentage", asFloat],
  ["initial-scale", "initialScale", asInt32],
  ["min-scale", "minScale", asInt32],
  ["max-scale", "maxScale", asInt32],
  ["max-scale-limit", "maxScaleLimit", asInt32],
  ["stable-window", "stableWindowMs", asDuration],
  ["scale-down-delay", "scaleDownDelayMs", asDuration],
  ["scale-to-zero-grace-period", "scaleToZeroGracePeriodMs", asDuration],
  ["scale-to-zero-pod-retention-period", "scaleToZeroPodRetentionPeriodMs", asDuration],
];

const leastTarget = 0.01;
const shortestWindowMs = 6_000;
const longestWindowMs = 3_600_000;

const rules: readonly Rule<AutoscalerConfig>[] = [
  [
    "scale-to-zero-grace-period",
    (config) => config.scaleToZeroGracePeriodMs <= 0,
    (config) => `scale-to-zero-grace-period must be positive, was: ${formatDuration(config.scaleToZeroGracePeriodMs)}`,
  ],
  [
    "scale-down-delay",
    (config) => config.scaleDownDelayMs < 0,
    (config) => `scale-down-delay cannot be negative, was: ${formatDuration(config.scaleDownDelayMs)}`,
  ],
  [
    "scale-down-delay",
    (config) => config.scaleDownDelayMs % 1000 !== 0,
    (config) =>
      `scale-down-delay = ${formatDuration(config.scaleDownDelayMs)}, must be specified with at most second precision`,
  ],
  [
    "scale-to-zero-pod-retention-period",
    (config) => config.scaleToZeroPodRetentionPeriodMs < 0,
    (config) =>
      `scale-to-zero-pod-retention-period cannot be negative, was: ${formatDuration(config.scaleToZeroPodRetentionPeriodMs)}`,
  ],
  [
    "target-burst-capacity",
    (config) => config.targetBurstCapacity < 0 && config.targetBurstCapacity !== -1,
    (config) =>
      `target-burst-capacity must be either non-negative or -1 (for unlimited), was: ${sixDecimals(config.targetBurstCapacity)}`,
  ],
  [
    "container-concurrency-target-percentage",
    (config) => config.containerConcurrencyTargetFraction <= 0 || config.containerConcurrencyTargetFraction > 1,
    (config) =>
      `container-concurrency-target-percentage = ${sixDecimals(config.containerConcurrencyTargetFraction)} is outside of valid range of (0, 100]`,
  ],
  [
    "container-concurrency-target-default",
    (config) => targetConcurrency(config) < leastTarget,
    (config) =>
      `container-concurrency-target-percentage and container-concurrency-target-default yield target concurrency of ${formatGoFloat(targetConcurrency(config))}, can't be less than ${leastTarget}`,
  ],
  [
    "requests-per-second-target-default",
    (config) => config.rpsTargetDefault < leastTarget,
    (config) =>
      `requests-per-second-target-default must be at least ${leastTarget}, was: ${formatGoFloat(config.rpsTargetDefault)}`,
  ],
  [
    "activator-capacity",
    (config) => config.activatorCapacity < 1,
    (config) => `activator-capacity = ${formatGoFloat(config.activatorCapacity)}, must be at least 1`,
  ],
  [
    "max-scale-up-rate",
    (config) => config.maxScaleUpRate <= 1,
    (config) => `max-scale-up-rate = ${formatGoFloat(config.maxScaleUpRate)}, must be greater than 1.0`,
  ],
  [
    "max-scale-down-rate",
    (config) => config.maxScaleDownRate <= 1,
    (config) => `max-scale-down-rate = ${formatGoFloat(config.maxScaleDownRate)}, must be greater than 1.0`,
  ],
  [
    "stable-window",
    (config) => config.stableWindowMs < shortestWindowMs || config.stableWindowMs > longestWindowMs,
    (config) =>
      `stable-window = ${formatDuration(config.stableWindowMs)}, must be in [${formatDuration(shortestWindowMs)}; ${formatDuration(longestWindowMs)}] range`,
  ],
  [
    "stable-window",
    (config) => config.stableWindowMs % 1000 !== 0,
    (config) =>
      `stable-window = ${formatDuration(config.stableWindowMs)}, must be specified with at most second precision`,
  ],
  [
    "panic-window-percentage",
    (config) => config.panicWindowPercentage < 1 || config.panicWindowPercentage > 100,
    (config) =>
      `panic-window-percentage = ${formatGoFloat(config.panicWindowPercentage)}, must be in [1, 100] interval`,
  ],
  [
    "initial-scale",
    (config) => config.initialScale < 0 || (config.initialScale === 0 && !config.allowZeroInitialScale),
    (config) =>
      `initial-scale = ${config.initialScale}, must be at least 0 (or at least 1 when allow-zero-initial-scale is false)`,
  ],
  ["min-scale", (config) => config.minScale < 0, (config) => `min-scale = ${config.minScale}, must be at least 0`],
  [
    "max-scale",
    (config) =>
      config.maxScale < leastMaxScale(config) || (config.maxScaleLimit > 0 && config.maxScale > config.maxScaleLimit),
    (config) =>
      `max-scale = ${config.maxScale}, must be in [${leastMaxScale(config)}, max-scale-limit(${config.maxScaleLimit})] range`,
  ],
  [
    "max-scale-limit",
    (config) => config.maxScaleLimit < 0,
    (config) => `max-scale-limit = ${config.maxScaleLimit}, must be at least 0`,
  ],
  [
    "min-scale",
    (config) => config.minScale > config.maxScale && config.maxScale > 0,
    (config) => `min-scale (${config.minScale}) must be less than max-scale (${config.maxScale})`,
  ],
];

/** Parses config-autoscaler. Throws ConfigError. */
export const parseAutoscalerConfig = configParser<AutoscalerConfig>("config-autoscaler", (data) => {
  const config = prefixed("failed to parse data", () => overlay(defaults, data, rows));
  const fraction = config.containerConcurrencyTargetFraction;
  // A value up to 1 is a share already; a larger one is per cent.
  const shared = { ...config, containerConcurrencyTargetFraction: fraction > 1 ? fraction / 100 : fraction };
  check(shared, rules);
  return shared;
});

function targetConcurrency(config: AutoscalerConfig): number {
  return config.containerConcurrencyTargetFraction * config.containerConcurrencyTargetDefault;
}

/** Where there is a limit for revisions, there has to be a default as well. */
function leastMaxScale(config: AutoscalerConfig): number {
  return config.maxScaleLimit > 0 ? 1 : 0;
}

/** Prints as Go's `%f`. */
function sixDecimals(value: number): string {
  return Number.isFinite(value) ? value.toFixed(6) : formatGoFloat(value);
}
