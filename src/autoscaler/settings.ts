import * as keys from "../apis/autoscaling/labels.ts";
import type { Metric } from "../apis/autoscaling/metric.ts";
import type { PodAutoscaler } from "../apis/autoscaling/podautoscaler.ts";
import type { KubeObject } from "../apis/meta.ts";
import { progressDeadlineAnnotation } from "../apis/serving/labels.ts";
import type { AutoscalerConfig } from "../config/autoscaler.ts";
import { parseDuration } from "../lib/duration.ts";

/** A Metric has its windows in nanoseconds, as Go writes a Duration. */
export const nanosecondsPerMs = 1e6;

/** Least and most pods of a revision; 0 is "no bound". The least is not kept for a revision that no route leads to. */
export function scaleBounds(
  pa: PodAutoscaler,
  config: AutoscalerConfig,
): { readonly min: number; readonly max: number } {
  const min = pa.spec.reachability === "Unreachable" ? 0 : (integer(pa, keys.minScaleAnnotations) ?? config.minScale);
  return { min, max: integer(pa, keys.maxScaleAnnotations) ?? config.maxScale };
}

/** The pods that a new revision begins with. Zero from an annotation counts only where the cluster allows it. */
export function initialScale(pa: PodAutoscaler, config: AutoscalerConfig): number {
  const own = integer(pa, keys.initialScaleAnnotations);
  return own === undefined || (own === 0 && !config.allowZeroInitialScale) ? config.initialScale : own;
}

/** The least scale above zero; 0 when unset. */
export function activationScale(pa: PodAutoscaler): number {
  return integer(pa, keys.activationScaleAnnotations) ?? 0;
}

/** "concurrency", "rps", or what an HPA-class revision scales by. */
export function scalingMetric(pa: PodAutoscaler): string {
  return annotation(pa, keys.metricAnnotations) ?? (autoscalerClass(pa) === keys.kpaClass ? "concurrency" : "cpu");
}

export function autoscalerClass(pa: KubeObject): string {
  return annotation(pa, [keys.classAnnotation]) ?? keys.kpaClass;
}

/** How values are averaged over a window: "linear" unless told. */
export function aggregationAlgorithm(object: KubeObject): "linear" | "weighted-exponential" {
  const name = annotation(object, keys.metricAggregationAlgorithmAnnotations);
  return name === "weighted-exponential" || name === "weightedExponential" ? "weighted-exponential" : "linear";
}

export function targetBurstCapacity(pa: PodAutoscaler, config: AutoscalerConfig): number {
  return float(pa, keys.targetBurstCapacityAnnotations) ?? config.targetBurstCapacity;
}

export function stableWindowMs(pa: PodAutoscaler, config: AutoscalerConfig): number {
  return ownWindowMs(pa) ?? config.stableWindowMs;
}

/** The window of the revision's own annotation. */
export function ownWindowMs(pa: PodAutoscaler): number | undefined {
  return duration(pa, keys.windowAnnotations);
}

/** The target of the revision's own annotation. */
export function ownTarget(pa: PodAutoscaler): number | undefined {
  return float(pa, keys.targetAnnotations);
}

export function panicWindowPercentage(pa: PodAutoscaler, config: AutoscalerConfig): number {
  return float(pa, keys.panicWindowPercentageAnnotations) ?? config.panicWindowPercentage;
}

export function panicThresholdPercentage(pa: PodAutoscaler, config: AutoscalerConfig): number {
  return float(pa, keys.panicThresholdPercentageAnnotations) ?? config.panicThresholdPercentage;
}

export function scaleDownDelayMs(pa: PodAutoscaler, config: AutoscalerConfig): number {
  return duration(pa, keys.scaleDownDelayAnnotations) ?? config.scaleDownDelayMs;
}

/** How long a revision may take to become active, if it says so itself. */
export function progressDeadlineMs(pa: PodAutoscaler): number | undefined {
  return duration(pa, [progressDeadlineAnnotation]);
}

/**
 * The metric per pod to aim for, and the metric per pod that is bearable.
 * Source: serving v0.42.2 pkg/reconciler/autoscaling/resources ResolveMetricTarget.
 */
export function metricTarget(
  pa: PodAutoscaler,
  config: AutoscalerConfig,
): { readonly target: number; readonly total: number } {
  const metric = scalingMetric(pa);
  const concurrency = pa.spec.containerConcurrency ?? 0;
  const utilization = float(pa, keys.targetUtilizationPercentageAnnotations);
  const own = ownTarget(pa);
  let total: number;
  let fraction: number;
  if (metric === "rps") {
    total = own ?? config.rpsTargetDefault;
    fraction = config.targetUtilization;
  } else {
    total = own ?? (concurrency === 0 ? config.containerConcurrencyTargetDefault : concurrency);
    if (own !== undefined && metric === "concurrency" && concurrency !== 0) total = Math.min(own, concurrency);
    fraction = config.containerConcurrencyTargetFraction;
  }
  return { target: Math.max(0.01, total * (utilization === undefined ? fraction : utilization / 100)), total };
}

/**
 * The windows of a Metric, a second to an hour. Admission allows no others, but where it was passed by, a window takes
 * memory for each of its seconds.
 */
export function windowLengths(metric: Metric): { stableMs: number; panicMs: number } {
  return { stableMs: windowMs(metric.spec.stableWindow), panicMs: windowMs(metric.spec.panicWindow) };
}

const shortestWindowMs = 1000;
const longestWindowMs = 3_600_000;

function windowMs(nanoseconds = 0): number {
  const ms = nanoseconds / nanosecondsPerMs;
  return Number.isNaN(ms) ? shortestWindowMs : Math.min(longestWindowMs, Math.max(shortestWindowMs, ms));
}

function annotation(object: KubeObject, aliases: readonly string[]): string | undefined {
  for (const key of aliases) {
    const value = object.metadata.annotations?.[key];
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Admission has checked the values; one that got in anyway counts as unset. */
function integer(object: KubeObject, aliases: readonly string[]): number | undefined {
  const value = annotation(object, aliases);
  return value !== undefined && /^[+-]?\d+$/.test(value) ? Number(value) : undefined;
}

function float(object: KubeObject, aliases: readonly string[]): number | undefined {
  const value = Number(annotation(object, aliases)?.trim() || Number.NaN);
  return Number.isFinite(value) ? value : undefined;
}

function duration(object: KubeObject, aliases: readonly string[]): number | undefined {
  const value = annotation(object, aliases);
  if (value === undefined) return undefined;
  try {
    return parseDuration(value);
  } catch {
    return undefined;
  }
}
