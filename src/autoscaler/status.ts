import type { PodAutoscaler } from "../apis/autoscaling/podautoscaler.ts";
import { type ConditionDraft, conditionSet, isFalse, isTrue, isUnknown } from "../apis/conditions.ts";
import type { AutoscalerConfig } from "../config/autoscaler.ts";
import { initialScale, scaleBounds } from "./settings.ts";

/** The conditions of a PodAutoscaler. Source: serving v0.42.2 pkg/apis/autoscaling/v1alpha1 pa_lifecycle.go. */
export const podAutoscalerConditions = conditionSet("Ready", "Active", "ScaleTargetInitialized", "SKSReady");

/** Pods that must be ready before a revision counts as active. */
export function activeThreshold(pa: PodAutoscaler, conditions: ConditionDraft, config: AutoscalerConfig): number {
  const { min } = scaleBounds(pa, config);
  return Math.max(min, isTrue(conditions.get("ScaleTargetInitialized")) ? 1 : initialScale(pa, config));
}

/**
 * Marks whether the revision is active: `want` pods are wanted (-1: not known) and `ready` are there.
 * Source: serving v0.42.2 pkg/reconciler/autoscaling/kpa computeActiveCondition.
 */
export function markActive(
  conditions: ConditionDraft,
  counts: { readonly want: number; readonly ready: number },
  threshold: number,
  addressable: boolean,
): void {
  const { want, ready } = counts;
  if (ready >= threshold && addressable) conditions.markTrue("ScaleTargetInitialized");
  const active = conditions.get("Active");
  if (want === 0 || threshold === 0) {
    if (isUnknown(active) && threshold > 0) {
      // Only a revision that did not become active in time is scaled to zero while it is still activating.
      conditions.markFalse("Active", "TimedOut", "The target could not be activated.");
    } else {
      markInactive(conditions);
    }
  } else if (want < 0 && isFalse(active)) {
    if (ready < threshold) markInactive(conditions);
  } else if (ready < threshold) {
    conditions.markUnknown(
      "Active",
      "Queued",
      "Requests to the target are being buffered as resources are provisioned.",
    );
  } else {
    conditions.markTrue("Active");
  }
}

function markInactive(conditions: ConditionDraft): void {
  conditions.markFalse("Active", "NoTraffic", "The target is not receiving traffic.");
}

/** The parts of a PodAutoscaler's status that every pass sets; both names are always there, as upstream has them. */
export function baseStatus(pa: PodAutoscaler, conditions: ConditionDraft): NonNullable<PodAutoscaler["status"]> {
  return {
    serviceName: "",
    metricsServiceName: "",
    ...pa.status,
    observedGeneration: pa.metadata.generation ?? 0,
    conditions: conditions.all(),
  };
}
