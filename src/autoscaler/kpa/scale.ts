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

/** What may overrule the decider's advice. */
export type ScaleRule =
  | "min scale"
  | "max scale"
  | "initial scale"
  | "scale to zero is off"
  | "a route may lead to it"
  | "no route leads to it"
  | "still activating"
  | "activation timed out"
  | "nothing known";

/** `apply` is the replica count to set, absent to leave it alone; `want` is what is reported. */
export interface ScalePlan {
  readonly want: number;
  readonly apply?: number;
  /** What overruled the advice, if anything did. */
  readonly rule?: ScaleRule;
  readonly requeueAfterMs?: number;
}

/**
 * The replicas that a revision should have. There is no activator that could hold requests back, so a revision that a
 * route may lead to keeps a pod; one that no route leads to goes to zero once its load is gone.
 * Source: serving v0.42.2 pkg/reconciler/autoscaling/kpa/scaler.go; the rules at zero are our own.
 */
export function planScale(input: ScaleInput): ScalePlan {
  const { pa, active, initialized, advised, config } = input;
  if (advised < 0 && !isUnknown(active)) return { want: advised, rule: "nothing known" };

  const bounds = scaleBounds(pa, config);
  const initial = initialScale(pa, config);
  const isStarting = initial > 1 && !initialized && initial > bounds.min;
  const min = isStarting ? initial : bounds.min;
  if (Math.max(advised, min) === 0) return planZero(input);
  if (advised < min) return { want: min, apply: min, rule: isStarting ? "initial scale" : "min scale" };
  if (bounds.max !== 0 && advised > bounds.max) return { want: bounds.max, apply: bounds.max, rule: "max scale" };
  return { want: advised, apply: advised };
}

function planZero({ pa, active, config, nowMs, ...input }: ScaleInput): ScalePlan {
  if (!config.enableScaleToZero) return { want: 1, apply: 1, rule: "scale to zero is off" };
  if (isUnknown(active)) {
    const timeoutMs = (progressDeadlineMs(pa) ?? input.progressDeadlineMs) + activationTimeoutBufferMs;
    const activatingMs = nowMs - Date.parse(active?.lastTransitionTime ?? "");
    return activatingMs > timeoutMs
      ? { want: 0, apply: 0, rule: "activation timed out" }
      : { want: scaleUnknown, requeueAfterMs: timeoutMs, rule: "still activating" };
  }
  return pa.spec.reachability === "Unreachable"
    ? { want: 0, apply: 0, rule: "no route leads to it" }
    : { want: 1, apply: 1, rule: "a route may lead to it" };
}
