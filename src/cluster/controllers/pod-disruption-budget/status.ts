import { isPodReady, type Pod } from "../../../apis/core/pod.ts";
import type { PodDisruptionBudget } from "../../../apis/core/poddisruptionbudget.ts";
import type { StatusOf } from "../../../kube/api.ts";
import { isoTime } from "../../../lib/iso-time.ts";
import { scaledValue } from "../int-or-percent.ts";

type BudgetStatus = StatusOf<PodDisruptionBudget>;

/** A pod that was to be evicted but is still there after so long was not. */
const evictionTimeoutMs = 120_000;

/**
 * How many of the pods may go now. `controllersScale` is the sum of the replicas of the pods' controllers.
 * Source: k8s.io/kubernetes v1.34 disruption controller.
 */
export function budgetStatus(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  controllersScale: number,
  nowMs: number,
): { readonly status: BudgetStatus; readonly recheckMs: number | undefined } {
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  const disruptedPods = Object.fromEntries(
    Object.entries(budget.status?.disruptedPods ?? {}).filter(([name, since]) => {
      const pod = pods.find(({ metadata }) => metadata.name === name);
      return pod && !pod.metadata.deletionTimestamp && Date.parse(since) + evictionTimeoutMs > nowMs;
    }),
  );
  const { expectedPods, desiredHealthy } = demand(minAvailable, maxUnavailable, pods.length, controllersScale);
  const healthy = pods.filter(
    (pod) => isPodReady(pod) && !pod.metadata.deletionTimestamp && disruptedPods[pod.metadata.name] === undefined,
  );
  const disruptionsAllowed = expectedPods > 0 ? Math.max(0, healthy.length - desiredHealthy) : 0;
  const observedGeneration = budget.metadata.generation ?? 0;
  const status = disruptionsAllowed > 0 ? "True" : "False";
  const before = budget.status?.conditions?.find(({ type }) => type === "DisruptionAllowed");
  const now = isoTime(nowMs);
  const condition = {
    type: "DisruptionAllowed",
    status: status as "True" | "False",
    reason: disruptionsAllowed > 0 ? "SufficientPods" : "InsufficientPods",
    message: "",
    observedGeneration,
    lastTransitionTime: before?.status === status ? before.lastTransitionTime : now,
  };
  const timeouts = Object.values(disruptedPods).map((since) => Date.parse(since) + evictionTimeoutMs - nowMs);
  return {
    status: {
      observedGeneration,
      disruptionsAllowed,
      currentHealthy: healthy.length,
      desiredHealthy,
      expectedPods,
      ...(Object.keys(disruptedPods).length > 0 && { disruptedPods }),
      conditions: [condition],
    },
    recheckMs: timeouts.length > 0 ? Math.max(1000, Math.min(...timeouts)) : undefined,
  };
}

function demand(
  minAvailable: number | string | undefined,
  maxUnavailable: number | string | undefined,
  podCount: number,
  scale: number,
): { expectedPods: number; desiredHealthy: number } {
  if (maxUnavailable !== undefined) {
    const desiredHealthy = Math.max(0, scale - scaledValue(maxUnavailable, scale, "up"));
    return { expectedPods: scale, desiredHealthy };
  }
  if (typeof minAvailable === "number") return { expectedPods: podCount, desiredHealthy: minAvailable };
  if (minAvailable === undefined) return { expectedPods: podCount, desiredHealthy: 1 };
  return { expectedPods: scale, desiredHealthy: scaledValue(minAvailable, scale, "up") };
}
