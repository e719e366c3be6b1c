import type { Deployment, WorkloadCondition } from "../../../apis/core/deployment.ts";
import type { ReplicaSet } from "../../../apis/core/replicaset.ts";
import type { StatusOf } from "../../../kube/api.ts";
import { isoTime } from "../../../lib/iso-time.ts";
import { boundsOf, hasProgressDeadline } from "./bounds.ts";

type DeploymentStatus = StatusOf<Deployment>;

/** Counts the pods of all ReplicaSets and tells how the rollout gets on, on top of the conditions given. */
export function deploymentStatus(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  oldSets: readonly ReplicaSet[],
  conditions: readonly WorkloadCondition[],
  nowMs: number,
  rollout = true,
): DeploymentStatus {
  const sets = newSet ? [...oldSets, newSet] : oldSets;
  const total = (of: (set: ReplicaSet) => number | undefined) => sets.reduce((sum, set) => sum + (of(set) ?? 0), 0);
  const bounds = boundsOf(deployment);
  const availableReplicas = total((set) => set.status?.availableReplicas);
  const { collisionCount } = deployment.status ?? {};
  const counts = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: total((set) => set.status?.replicas),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: total((set) => set.status?.readyReplicas),
    availableReplicas,
    unavailableReplicas: Math.max(0, total((set) => set.spec.replicas ?? 1) - availableReplicas),
    ...(collisionCount !== undefined && { collisionCount }),
  };
  const available =
    availableReplicas >= bounds.replicas - bounds.maxUnavailable
      ? condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", nowMs)
      : condition(
          "Available",
          "False",
          "MinimumReplicasUnavailable",
          "Deployment does not have minimum availability.",
          nowMs,
        );
  let next = setCondition(conditions, available);
  if (rollout) {
    next = withProgress(deployment, newSet, counts, next, nowMs);
    const failure = [...(newSet ? [newSet] : []), ...oldSets]
      .flatMap((set) => set.status?.conditions ?? [])
      .find(({ type }) => type === "ReplicaFailure");
    next = failure
      ? setCondition(next, { ...failure, lastUpdateTime: failure.lastTransitionTime ?? "" })
      : next.filter(({ type }) => type !== "ReplicaFailure");
  }
  return { ...counts, conditions: next };
}

type Counts = Omit<DeploymentStatus, "conditions">;

/** Whether every pod is of the present template and available. */
export function isComplete(deployment: Deployment, counts: Counts): boolean {
  const replicas = deployment.spec.replicas ?? 1;
  return (
    counts.updatedReplicas === replicas &&
    counts.replicas === replicas &&
    counts.availableReplicas === replicas &&
    (counts.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

/** Source: k8s.io/kubernetes v1.34 deployment/progress.go. */
function withProgress(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  counts: Counts,
  conditions: readonly WorkloadCondition[],
  nowMs: number,
): WorkloadCondition[] {
  const others = conditions.filter(({ type }) => type !== "Progressing");
  if (!hasProgressDeadline(deployment)) return others;
  const present = conditions.find(({ type }) => type === "Progressing");
  const settled = present?.reason === "NewReplicaSetAvailable" && counts.replicas === counts.updatedReplicas;
  if (settled) return [...conditions];
  const subject = newSet ? `ReplicaSet "${newSet.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  if (isComplete(deployment, counts)) {
    const text = `${subject} has successfully progressed.`;
    return setCondition(conditions, condition("Progressing", "True", "NewReplicaSetAvailable", text, nowMs));
  }
  if (hasProgressed(deployment.status ?? {}, counts)) {
    const progress = condition("Progressing", "True", "ReplicaSetUpdated", `${subject} is progressing.`, nowMs);
    // Written even when nothing but lastUpdateTime changes: the deadline counts from there.
    const since = present?.status === "True" ? present.lastTransitionTime : undefined;
    return [...others, since ? { ...progress, lastTransitionTime: since } : progress];
  }
  const timedOut =
    present !== undefined &&
    (present.reason === timedOutReason || (progressLeftMs(deployment, conditions, nowMs) ?? 1) < 0);
  return timedOut
    ? setCondition(
        conditions,
        condition("Progressing", "False", timedOutReason, `${subject} has timed out progressing.`, nowMs),
      )
    : [...conditions];
}

export const timedOutReason = "ProgressDeadlineExceeded";

function hasProgressed(before: Counts, after: Counts): boolean {
  const old = (counts: Counts) => (counts.replicas ?? 0) - (counts.updatedReplicas ?? 0);
  const grew = (of: "updatedReplicas" | "readyReplicas" | "availableReplicas") => (after[of] ?? 0) > (before[of] ?? 0);
  return grew("updatedReplicas") || old(after) < old(before) || grew("readyReplicas") || grew("availableReplicas");
}

/** How long the rollout may still go on without progress; undefined when no rollout is under way or it has failed. */
export function progressLeftMs(
  deployment: Deployment,
  conditions: readonly WorkloadCondition[],
  nowMs: number,
): number | undefined {
  const present = conditions.find(({ type }) => type === "Progressing");
  if (!hasProgressDeadline(deployment) || !present?.lastUpdateTime) return undefined;
  if (["NewReplicaSetAvailable", timedOutReason, "DeploymentPaused"].includes(present.reason ?? "")) return undefined;
  return Date.parse(present.lastUpdateTime) + deployment.spec.progressDeadlineSeconds! * 1000 - nowMs;
}

export function condition(
  type: string,
  status: WorkloadCondition["status"],
  reason: string,
  message: string,
  nowMs: number,
): WorkloadCondition {
  const now = isoTime(nowMs);
  return { type, status, reason, message, lastUpdateTime: now, lastTransitionTime: now };
}

/** Leaves a condition of the same status and reason alone; keeps the transition time of one of the same status. */
export function setCondition(conditions: readonly WorkloadCondition[], next: WorkloadCondition): WorkloadCondition[] {
  const present = conditions.find(({ type }) => type === next.type);
  if (present?.status === next.status && present.reason === next.reason) return [...conditions];
  const since = present?.status === next.status ? present.lastTransitionTime : undefined;
  return [
    ...conditions.filter(({ type }) => type !== next.type),
    since ? { ...next, lastTransitionTime: since } : next,
  ];
}
