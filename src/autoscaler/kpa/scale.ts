import type { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import { type Condition, isUnknown } from "../../apis/conditions.ts";
import type { AutoscalerConfig } from "../../config/autoscaler.ts";
import { initialScale, progressDeadlineMs, scaleBounds } from "../settings.ts";

/** No scale is known: nothing was measured yet. */
export const scaleUnknown = -1;

/**
 * Time beyond the progress deadline before a revision that never became active is given up: the Revision reports what
 * is wrong with its pods at the deadline, and they should still be there to look at.
 */
const activationTimeoutBufferMs = 30_000;

export interface ScaleInput {
  readonly pa: PodAutoscaler;
  /** The PodAutoscaler's conditions Active and ScaleTargetInitialized, as far as they are set. */
  readonly active: Condition | undefined;
  readonly initialized: boolean;
  /** What the decider advises; -1 when it does not know. */
  readonly advised: number;
  readonly config: AutoscalerConfig;
  /** The cluster's progress deadline. */
  readonly progressDeadlineMs: number;
  readonly nowMs: number;
}

/** `apply` is the replica count to set, absent to leave it alone; `want` is what is reported. */
export interface ScalePlan {
  readonly want: number;
  readonly apply?: number;
  readonly requeueAfterMs?: number;
}

/**
 * The replicas that a revision should have. There is no activator that could hold requests back, so a revision that a
 * route may lead to keeps a pod; one that no route leads to goes to zero once its load is gone.
 * Source: serving v0.42.2 pkg/reconciler/autoscaling/kpa/scaler.go; the rules at zero are our own.
 */
export function planScale(input: ScaleInput): ScalePlan {
  const { pa, active, initialized, advised, config } = input;
  if (advised < 0 && !isUnknown(active)) return { want: advised };

  const bounds = scaleBounds(pa, config);
  const initial = initialScale(pa, config);
  const min = initial > 1 && !initialized ? Math.max(initial, bounds.min) : bounds.min;
  const desired = clamp(advised, min, bounds.max);
  if (desired !== 0) return desired > 0 ? { want: desired, apply: desired } : { want: desired };
  return planZero(input);
}

function planZero({ pa, active, config, nowMs, ...input }: ScaleInput): ScalePlan {
  if (!config.enableScaleToZero) return { want: 1, apply: 1 };
  if (isUnknown(active)) {
    const timeoutMs = (progressDeadlineMs(pa) ?? input.progressDeadlineMs) + activationTimeoutBufferMs;
    const activatingMs = nowMs - Date.parse(active?.lastTransitionTime ?? "");
    return activatingMs > timeoutMs ? { want: 0, apply: 0 } : { want: scaleUnknown, requeueAfterMs: timeoutMs };
  }
  return pa.spec.reachability === "Unreachable" ? { want: 0, apply: 0 } : { want: 1, apply: 1 };
}

function clamp(value: number, min: number, max: number): number {
  if (value < min) return min;
  return max !== 0 && value > max ? max : value;
}
