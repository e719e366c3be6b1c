import type { Pod } from "../../../apis/core/pod.ts";
import { controllerOf } from "../../../apis/meta.ts";

/**
 * The pods to delete when there are `count` too many: those whose loss is felt least come first. `related` are active
 * pods of the namespace; where a node has several of the same controller, it loses one first.
 * Source: k8s.io/kubernetes v1.34 controller.ActivePodsWithRanks.
 */
export function chooseVictims(owned: readonly Pod[], related: readonly Pod[], count: number, nowMs: number): Pod[] {
  const colocated = new Map<string, number>();
  const placeOf = (pod: Pod) => `${controllerOf(pod)?.uid ?? ""} ${pod.spec.nodeName ?? ""}`;
  for (const pod of related) colocated.set(placeOf(pod), (colocated.get(placeOf(pod)) ?? 0) + 1);

  const ranked = owned.map((pod) => ({ pod, rank: rankOf(pod, colocated.get(placeOf(pod)) ?? 0, nowMs) }));
  ranked.sort((a, b) => compare(a.rank, b.rank));
  return ranked.slice(0, count).map(({ pod }) => pod);
}

/** Smaller goes first, in every place of the list. */
function rankOf(pod: Pod, colocated: number, nowMs: number): readonly number[] {
  const ready = pod.status?.conditions?.find(({ type }) => type === "Ready");
  const isReady = ready?.status === "True";
  const phases = ["Pending", "Unknown", "Running"];
  const restarts = Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));
  const cost = Number(pod.metadata.annotations?.["controller.kubernetes.io/pod-deletion-cost"] ?? 0) || 0;
  // Times count on a logarithmic scale, so that pods of about the same age are told apart by chance only.
  const ageOf = (time: string | undefined) => (time ? Math.floor(Math.log2(Math.max(1, nowMs - Date.parse(time)))) : 0);
  return [
    pod.spec.nodeName ? 1 : 0,
    Math.max(0, phases.indexOf(pod.status?.phase ?? "Pending")),
    isReady ? 1 : 0,
    cost,
    -colocated,
    isReady ? ageOf(ready.lastTransitionTime) : 0,
    -restarts,
    ageOf(pod.metadata.creationTimestamp),
  ];
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) if (value !== b[index]) return value - b[index]!;
  return 0;
}
