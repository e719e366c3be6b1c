import { isPodReady, type Pod } from "../../../apis/core/pod.ts";
import type { StatefulSet } from "../../../apis/core/statefulset.ts";
import { availableInMs, hasEnded } from "../pods.ts";

export const revisionLabel = "controller-revision-hash";

/** What one pass may do: all at once with Parallel, else at most one thing. */
export interface Plan {
  readonly create: readonly number[];
  readonly remove: readonly Pod[];
  /** When a ready pod will be available. */
  readonly recheckMs: number | undefined;
}

/** The number at the end of the pod's name; undefined when it is not one of the set's. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const rest = pod.metadata.name.startsWith(prefix) ? pod.metadata.name.slice(prefix.length) : "";
  return /^\d+$/.test(rest) ? Number(rest) : undefined;
}

/**
 * Decides what is done next: missing pods are made from the lowest number up, surplus ones deleted from the highest
 * down, then outdated ones replaced from the highest down. OrderedReady waits, at each, for the others to be available.
 * Source: k8s.io/kubernetes v1.34 stateful_set_control.go.
 */
export function planStatefulSet(set: StatefulSet, pods: readonly Pod[], updateRevision: string, nowMs: number): Plan {
  const { spec } = set;
  const start = spec.ordinals?.start ?? 0;
  const end = start + (spec.replicas ?? 1);
  const ordered = spec.podManagementPolicy !== "Parallel";
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]));
  const ordinals = Array.from({ length: end - start }, (_, index) => start + index);
  const condemned = pods
    .filter((pod) => (ordinalOf(set, pod) ?? start) < start || (ordinalOf(set, pod) ?? start) >= end)
    .sort((a, b) => ordinalOf(set, b)! - ordinalOf(set, a)!);

  const waits = pods.map((pod) => availableInMs(pod, spec.minReadySeconds ?? 0, nowMs) ?? 0).filter((wait) => wait > 0);
  const recheckMs = waits.length > 0 ? Math.min(...waits) : undefined;
  const available = (pod: Pod) =>
    pod.status?.phase === "Running" &&
    !pod.metadata.deletionTimestamp &&
    availableInMs(pod, spec.minReadySeconds ?? 0, nowMs) === 0;
  const plan = (create: readonly number[], remove: readonly Pod[]): Plan => ({ create, remove, recheckMs });
  if (set.metadata.deletionTimestamp) return plan([], []);

  const create: number[] = [];
  const remove: Pod[] = [];
  for (const ordinal of ordinals) {
    const pod = byOrdinal.get(ordinal);
    if (!pod) create.push(ordinal);
    else if (hasEnded(pod) && !pod.metadata.deletionTimestamp) remove.push(pod);
    else if (!ordered || available(pod)) continue;
    // Ordered: one thing at a time, and nothing before this pod is well.
    if (ordered) return plan(create, remove);
  }

  const firstUnwell =
    ordinals.map((ordinal) => byOrdinal.get(ordinal)).find((pod) => pod && !available(pod)) ??
    condemned.toReversed().find((pod) => !available(pod));
  for (const pod of condemned) {
    if (pod.metadata.deletionTimestamp) {
      if (ordered) return plan(create, remove);
      continue;
    }
    if (ordered) return plan(create, available(pod) || pod === firstUnwell ? [pod] : []);
    remove.push(pod);
  }
  if (create.length > 0 || remove.length > 0) return plan(create, remove);

  if (spec.updateStrategy?.type === "OnDelete") return plan([], []);
  const partition = spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  for (const ordinal of ordinals.toReversed()) {
    if (ordinal - start < partition) break;
    const pod = byOrdinal.get(ordinal)!;
    if (pod.metadata.labels?.[revisionLabel] !== updateRevision && !pod.metadata.deletionTimestamp)
      return plan([], [pod]);
    if (!available(pod)) break;
  }
  return plan([], []);
}

/** Whether the pod counts as ready in the status. */
export function isRunningAndReady(pod: Pod): boolean {
  return pod.status?.phase === "Running" && isPodReady(pod) && !pod.metadata.deletionTimestamp;
}
