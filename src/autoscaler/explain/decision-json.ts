import { isoTime } from "../../lib/iso-time.ts";
import type { RecordedDecision } from "./decision-ring.ts";
import { describe, type Explanation, isHeldBack } from "./explanation.ts";

/** One decision as the autoscaler's port serves it; see docs/autoscaling.md. */
export function decisionJson({ explanation, times, firstAtMs }: RecordedDecision): Record<string, unknown> {
  const { atMs, before, want, rule, spec, asked, rates, bounds, readyPods } = explanation;
  return {
    at: isoTime(atMs),
    firstAt: isoTime(firstAtMs),
    times,
    from: before,
    to: want,
    rule,
    heldBack: isHeldBack(explanation),
    text: describe(explanation),
    mode: explanation.mode,
    metric: spec.scalingMetric,
    observed: { stable: explanation.stableValue, panic: explanation.panicValue, readyPods },
    target: spec.targetValue,
    asked: { ...asked, decided: explanation.desiredPods },
    rates: { ...rates, up: spec.maxScaleUpRate, down: spec.maxScaleDownRate },
    bounds: { ...bounds, initial: spec.initialScale, activation: spec.activationScale },
    stableWindowSeconds: spec.stableWindowMs / 1000,
    scaleDownDelaySeconds: spec.scaleDownDelayMs / 1000,
    panicThreshold: spec.panicThreshold,
    reachable: spec.reachable,
    excessBurstCapacity: explanation.excessBurstCapacity,
  };
}

/** The latest decision, which may be no news. */
export function latestJson(latest: Explanation): Record<string, unknown> {
  return decisionJson({ explanation: latest, times: 1, firstAtMs: latest.atMs });
}
