import type { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import { type ConditionDraft, conditionOf, conditionSet, isFalse, isTrue } from "../../apis/conditions.ts";
import type { Deployment } from "../../apis/core/deployment.ts";

/** "Active" only informs: a revision that is scaled to zero is ready all the same. */
export const conditionsOfRevision = conditionSet("Ready", "ResourcesAvailable", "ContainerHealthy");

const conditionsOfDeployment = conditionSet("Ready", "Progressing", "ReplicaSetReady");
export const deploying = "Deploying";
const progressDeadlineExceeded = "ProgressDeadlineExceeded";

/** Whether something is known to be wrong with the revision. */
export function isFailing(conditions: ConditionDraft): boolean {
  return isFalse(conditions.get("ResourcesAvailable")) || isFalse(conditions.get("ContainerHealthy"));
}

/**
 * Takes over what the Deployment says of itself.
 * Source: serving v0.42.2 pkg/apis/serving TransformDeploymentStatus, RevisionStatus.PropagateDeploymentStatus.
 */
export function propagateDeployment(deployment: Deployment, conditions: ConditionDraft): void {
  const draft = conditionsOfDeployment.draft([], { now: () => 0 });
  draft.initialize();
  draft.markTrue("ReplicaSetReady");
  draft.markUnknown("Progressing", deploying);
  const all = deployment.status?.conditions ?? [];
  for (const { status, reason = "", message = "" } of all.filter(({ type }) => type === "Progressing")) {
    if (status === "True") draft.markTrue("Progressing");
    else if (status === "False") draft.markFalse("Progressing", reason, message);
    else draft.markUnknown("Progressing", reason, message);
  }
  for (const { status, reason = "", message = "" } of all.filter(({ type }) => type === "ReplicaFailure")) {
    if (status === "True") draft.markFalse("ReplicaSetReady", reason, message);
    else if (status === "False") draft.markTrue("ReplicaSetReady");
    else draft.markUnknown("ReplicaSetReady", reason, message);
  }
  const { status, reason = "", message = "" } = draft.get("Ready")!;
  if (status === "True") conditions.markTrue("ResourcesAvailable");
  else if (status === "False") conditions.markFalse("ResourcesAvailable", reason, message);
  else conditions.markUnknown("ResourcesAvailable", reason, message);
}

/** Whether the Deployment has given up hope that its pods become ready. */
export function hasTimedOut(deployment: Deployment): boolean {
  return (deployment.status?.conditions ?? []).some(
    ({ type, status, reason }) => type === "Progressing" && status === "False" && reason === progressDeadlineExceeded,
  );
}

/**
 * Takes over what the PodAutoscaler says of the revision's pods.
 * Source: serving v0.42.2 pkg/apis/serving/v1 RevisionStatus.PropagateAutoscalerStatus.
 */
export function propagateAutoscaler(autoscaler: PodAutoscaler, conditions: ConditionDraft): void {
  const failing = isFailing(conditions);
  const ready = conditionOf(autoscaler, "Ready");
  if (!ready) {
    conditions.markUnknown("Active", deploying);
    if (!failing) conditions.markUnknown("ResourcesAvailable", deploying);
    return;
  }
  const initialized = isTrue(conditionOf(autoscaler, "ScaleTargetInitialized"));
  const hasService = Boolean(autoscaler.status?.serviceName);
  if (initialized && !failing) {
    conditions.markTrue("ResourcesAvailable");
    conditions.markTrue("ContainerHealthy");
  }
  // With an initial scale of 0 the Deployment is done before anything can take requests.
  if (isTrue(conditions.get("ResourcesAvailable")) && !hasService) {
    conditions.markUnknown("ResourcesAvailable", deploying);
  }
  const { status, reason = "", message = "" } = ready;
  if (status === "True") conditions.markTrue("Active");
  else if (status === "Unknown") conditions.markUnknown("Active", reason, message);
  else {
    // Scaled to zero before it ever had its first pods.
    if (!initialized && !failing && hasService) {
      conditions.markFalse("ResourcesAvailable", progressDeadlineExceeded, "Initial scale was never achieved");
    }
    conditions.markFalse("Active", reason, message);
  }
}
