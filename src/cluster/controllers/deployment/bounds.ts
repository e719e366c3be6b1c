import type { Deployment } from "../../../apis/core/deployment.ts";
import { scaledValue } from "../int-or-percent.ts";

/** How far a rollout may stray from `replicas`. */
export interface Bounds {
  readonly replicas: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** Resolves percentages: surge rounds up, unavailability down, and one of them is at least 1. Source: ResolveFenceposts. */
export function boundsOf(deployment: Deployment): Bounds {
  const replicas = deployment.spec.replicas ?? 1;
  const { strategy } = deployment.spec;
  if (strategy?.type === "Recreate" || replicas === 0) return { replicas, maxSurge: 0, maxUnavailable: 0 };
  const maxSurge = scaledValue(strategy?.rollingUpdate?.maxSurge ?? "25%", replicas, "up");
  const resolved = scaledValue(strategy?.rollingUpdate?.maxUnavailable ?? "25%", replicas, "down");
  const maxUnavailable = maxSurge === 0 && resolved === 0 ? 1 : resolved;
  return { replicas, maxSurge, maxUnavailable: Math.min(maxUnavailable, replicas) };
}

/** Whether the Deployment reports how its rollout gets on. */
export function hasProgressDeadline(deployment: Deployment): boolean {
  const seconds = deployment.spec.progressDeadlineSeconds;
  return seconds !== undefined && seconds !== 2_147_483_647;
}
