import { isPodReady, Pod } from "../apis/core/pod.ts";
import { revisionLabel, revisionUidLabel } from "../apis/serving/labels.ts";
import type { Informer, Informers, Lister } from "../kube/api.ts";

/** How many pods of a revision are in which state. A pod that is pending or terminating also counts as not ready. */
export interface PodCounts {
  readonly ready: number;
  readonly notReady: number;
  readonly pending: number;
  readonly terminating: number;
}

const byRevision = "revision";

const unread = [
  "spec",
  "metadata.annotations",
  "metadata.ownerReferences",
  "status.containerStatuses",
  "status.initContainerStatuses",
];

/** The pods of all revisions, as far as the autoscaler looks at them, filed for `podsOf`: it asks every second. */
export function revisionPodsOf(informers: Informers): Informer<Pod> {
  const pods = informers.of(Pod, { labelSelector: revisionUidLabel, without: unread });
  pods.addIndex(byRevision, ({ metadata: { namespace, labels } }) => [`${namespace}/${labels?.[revisionLabel]}`]);
  return pods;
}

/** The pods of one revision, from the cache that is `revisionPodsOf`. */
export function podsOf(pods: Pick<Lister<Pod>, "byIndex">, namespace: string, revision: string): readonly Pod[] {
  return pods.byIndex(byRevision, `${namespace}/${revision}`);
}

/** Failed and finished pods do not count. Source: serving v0.42.2 pkg/resources PodCountsByState. */
export function countPods(pods: readonly Pod[]): PodCounts {
  let ready = 0;
  let notReady = 0;
  let pending = 0;
  let terminating = 0;
  for (const pod of pods) {
    if (pod.status?.phase === "Pending") {
      pending++;
      notReady++;
    } else if (pod.status?.phase === "Running") {
      if (pod.metadata.deletionTimestamp) terminating++;
      if (isServing(pod)) ready++;
      else notReady++;
    }
  }
  return { ready, notReady, pending, terminating };
}

/** The addresses of the pods that serve, by age: stats of a pod younger than the window understate its load. */
export function addressesByAge(
  pods: readonly Pod[],
  windowMs: number,
  nowMs: number,
): { readonly old: string[]; readonly young: string[] } {
  const old: string[] = [];
  const young: string[] = [];
  for (const pod of pods) {
    const address = pod.status?.podIP;
    if (!isServing(pod) || !address) continue;
    const startedAt = Date.parse(pod.status?.startTime ?? "");
    (nowMs - startedAt < windowMs ? young : old).push(address);
  }
  return { old, young };
}

function isServing(pod: Pod): boolean {
  return pod.status?.phase === "Running" && !pod.metadata.deletionTimestamp && isPodReady(pod);
}
