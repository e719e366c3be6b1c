import type { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import type { AutoscalerConfig } from "../../config/autoscaler.ts";
import type { DeciderSpec } from "../decide.ts";
import * as settings from "../settings.ts";

/**
 * The settings that a PodAutoscaler's scale is decided by.
 * Source: serving v0.42.2 pkg/reconciler/autoscaling/kpa/resources MakeDecider.
 */
export function makeDeciderSpec(pa: PodAutoscaler, config: AutoscalerConfig): DeciderSpec {
  const { target, total } = settings.metricTarget(pa, config);
  return {
    maxScaleUpRate: config.maxScaleUpRate,
    maxScaleDownRate: config.maxScaleDownRate,
    scalingMetric: settings.scalingMetric(pa),
    targetValue: target,
    totalValue: total,
    targetBurstCapacity: settings.targetBurstCapacity(pa, config),
    activatorCapacity: config.activatorCapacity,
    panicThreshold: settings.panicThresholdPercentage(pa, config) / 100,
    stableWindowMs: settings.stableWindowMs(pa, config),
    scaleDownDelayMs: settings.scaleDownDelayMs(pa, config),
    initialScale: settings.initialScale(pa, config),
    reachable: pa.spec.reachability !== "Unreachable",
    activationScale: settings.activationScale(pa),
  };
}
