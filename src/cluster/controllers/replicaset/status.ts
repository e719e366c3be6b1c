import { isPodReady, type Pod } from "../../../apis/core/pod.ts";
import type { ReplicaSet } from "../../../apis/core/replicaset.ts";
import type { StatusOf } from "../../../kube/api.ts";
import { reasonFor } from "../../../kube/errors.ts";
import { isoTime } from "../../../lib/iso-time.ts";
import { availableInMs } from "../pods.ts";

export type FailureReason = "FailedCreate" | "FailedDelete";

/**
 * Counts the pods. `recheckMs` is when a ready pod will have been ready for long enough to be available.
 * Source: k8s.io/kubernetes v1.34 replicaset calculateStatus.
 */
export function replicaSetStatus(
  set: ReplicaSet,
  pods: readonly Pod[],
  failure: { readonly reason: FailureReason; readonly error: unknown } | undefined,
  nowMs: number,
): { status: StatusOf<ReplicaSet>; recheckMs: number | undefined } {
  const templateLabels = Object.entries(set.spec.template?.metadata?.labels ?? {});
  const waits = pods.map((pod) => availableInMs(pod, set.spec.minReadySeconds ?? 0, nowMs));
  const pending = waits.filter((wait) => wait !== undefined && wait > 0) as number[];
  const others = (set.status?.conditions ?? []).filter(({ type }) => type !== "ReplicaFailure");
  const earlier = set.status?.conditions?.find(({ type }) => type === "ReplicaFailure");
  const now = isoTime(nowMs);
  const failed = failure && {
    type: "ReplicaFailure",
    status: "True" as const,
    reason: failure.reason,
    message: reasonFor(failure.error),
    lastTransitionTime: earlier?.lastTransitionTime ?? now,
  };
  const conditions = failed ? [...others, failed] : others;
  return {
    status: {
      replicas: pods.length,
      fullyLabeledReplicas: pods.filter((pod) =>
        templateLabels.every(([name, value]) => pod.metadata.labels?.[name] === value),
      ).length,
      readyReplicas: pods.filter(isPodReady).length,
      availableReplicas: waits.filter((wait) => wait === 0).length,
      observedGeneration: set.metadata.generation ?? 0,
      ...(conditions.length > 0 && { conditions }),
    },
    recheckMs: pending.length > 0 ? Math.min(...pending) : undefined,
  };
}
