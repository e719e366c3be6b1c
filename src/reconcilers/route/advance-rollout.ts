import { type ConditionDraft, conditionOf, isTrue } from "../../apis/conditions.ts";
import type { Ingress } from "../../apis/networking/ingress.ts";
import { rolloutAnnotation } from "../../apis/networking/labels.ts";
import { rolloutDurationAnnotations } from "../../apis/serving/labels.ts";
import type { Route } from "../../apis/serving/route.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import type { Pass } from "../../kube/api.ts";
import { parseDuration } from "../../lib/duration.ts";
import { isIngressObserved } from "../networking/ingress.ts";
import { annotationOf } from "../networking/settings.ts";
import { observeReady, parseRollout, type Rollout, stepRollout } from "./rollout.ts";
import { baseRollout, type Traffic } from "./traffic.ts";

/** The shares that hold now: at once as the spec has them, or step by step where a rollout takes its time. */
export function advanceRollout(
  route: Route,
  traffic: Traffic,
  present: Ingress | undefined,
  conditions: ConditionDraft,
  { config, clock, log }: Pass<ServingConfig>,
): { readonly rollout: Rollout; readonly nextStepNs: number } {
  const wanted = baseRollout(traffic);
  const seconds = rolloutSeconds(route) || config.network.rolloutDurationSecs;
  if (!present || seconds <= 0) return { rollout: wanted, nextStepNs: 0 };
  const annotation = present.metadata.annotations?.[rolloutAnnotation];
  const previous = parseRollout(annotation);
  if (annotation && !previous)
    log.warn("The rollout's state on the Ingress makes no sense; it starts anew", { annotation });
  const nowNs = clock.now() * 1e6;
  const isProven = isIngressObserved(present) && isTrue(conditionOf(present, "Ready"));
  const isNews = isProven && !isTrue(conditions.get("IngressReady"));
  return stepRollout(wanted, previous && isNews ? observeReady(previous, nowNs, seconds) : previous, nowNs);
}

function rolloutSeconds(route: Route): number {
  try {
    return Math.trunc(parseDuration(annotationOf(route, rolloutDurationAnnotations) || "0s") / 1000);
  } catch {
    return 0;
  }
}
