import { Pod } from "../../../apis/core/pod.ts";
import type { StatefulSet } from "../../../apis/core/statefulset.ts";
import type { Client, Lister, Outcome, Pass } from "../../../kube/api.ts";
import { isAlreadyExists, isNotFound, reasonFor } from "../../../kube/errors.ts";
import { matchesSelector } from "../../api/selectors.ts";
import { claim } from "../claim.ts";
import { makePod } from "../make-pod.ts";
import { availableInMs } from "../pods.ts";
import { templateHash } from "../template-hash.ts";
import { isRunningAndReady, ordinalOf, planStatefulSet, revisionLabel } from "./plan.ts";

export interface StatefulSetDeps {
  readonly client: Client;
  readonly pods: Lister<Pod>;
}

/**
 * Takes the next step towards the set's size and template. Old templates are not kept (there is no
 * ControllerRevision): a pod below `partition` that has to be made anew gets the present template.
 */
export async function reconcileStatefulSet(
  set: StatefulSet,
  deps: StatefulSetDeps,
  pass: Pass<null>,
): Promise<Outcome<StatefulSet>> {
  const { client } = deps;
  const namespace = set.metadata.namespace ?? "";
  const ours = (pod: Pod) =>
    matchesSelector(set.spec.selector, pod.metadata.labels) && ordinalOf(set, pod) !== undefined;
  const candidates = deps.pods.list({ namespace });
  const pods = await claim(set, candidates, ours, client.of(Pod), pass.signal);
  const updateRevision = `${set.metadata.name}-${templateHash(set.spec.template, set.status?.collisionCount)}`;
  const plan = planStatefulSet(set, pods, updateRevision, pass.clock.now());

  for (const ordinal of plan.create) await createPod(set, ordinal, updateRevision, deps, pass);
  for (const pod of plan.remove) await deletePod(set, pod, deps, pass);
  return {
    status: statusOf(set, pods, updateRevision, pass.clock.now()),
    ...(plan.recheckMs !== undefined && { requeueAfterMs: plan.recheckMs }),
  };
}

async function createPod(
  set: StatefulSet,
  ordinal: number,
  revision: string,
  deps: StatefulSetDeps,
  pass: Pass<null>,
): Promise<void> {
  const name = `${set.metadata.name}-${ordinal}`;
  const pod = makePod(set, set.spec.template, name);
  pod.metadata.labels = {
    ...pod.metadata.labels,
    "statefulset.kubernetes.io/pod-name": name,
    "apps.kubernetes.io/pod-index": String(ordinal),
    [revisionLabel]: revision,
  };
  pod.spec = { ...pod.spec, hostname: name, ...(set.spec.serviceName && { subdomain: set.spec.serviceName }) };
  const claims = (set.spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata?.name ?? "");
  if (claims.length > 0) {
    const volumes = (pod.spec.volumes ?? []).filter((volume) => !claims.includes(volume.name));
    const claimed = claims.map((claim) => ({ name: claim, persistentVolumeClaim: { claimName: `${claim}-${name}` } }));
    pod.spec.volumes = [...volumes, ...claimed];
  }
  const subject = `Pod ${name} in StatefulSet ${set.metadata.name}`;
  try {
    await deps.client.of(Pod).create(pod, { signal: pass.signal });
    pass.events.normal("SuccessfulCreate", `create ${subject} successful`);
  } catch (error) {
    if (isAlreadyExists(error)) return;
    pass.events.warning("FailedCreate", `create ${subject} failed error: ${reasonFor(error)}`);
    throw error;
  }
}

async function deletePod(set: StatefulSet, pod: Pod, deps: StatefulSetDeps, pass: Pass<null>): Promise<void> {
  const { name, namespace = "", uid = "" } = pod.metadata;
  const subject = `Pod ${name} in StatefulSet ${set.metadata.name}`;
  try {
    await deps.client.of(Pod).delete({ name, namespace }, { preconditions: { uid }, signal: pass.signal });
    pass.events.normal("SuccessfulDelete", `delete ${subject} successful`);
  } catch (error) {
    if (isNotFound(error)) return;
    pass.events.warning("FailedDelete", `delete ${subject} failed error: ${reasonFor(error)}`);
    throw error;
  }
}

function statusOf(set: StatefulSet, pods: readonly Pod[], updateRevision: string, nowMs: number) {
  const wanted = set.spec.replicas ?? 1;
  const before = set.status?.currentRevision || updateRevision;
  const alive = pods.filter((pod) => !pod.metadata.deletionTimestamp);
  const of = (revision: string) => alive.filter((pod) => pod.metadata.labels?.[revisionLabel] === revision).length;
  const ready = pods.filter(isRunningAndReady);
  const updated = of(updateRevision);
  const complete = updated === wanted && ready.length === wanted && pods.length === wanted;
  const rolling = set.spec.updateStrategy?.type !== "OnDelete";
  const currentRevision = complete && rolling ? updateRevision : before;
  return {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: pods.length,
    readyReplicas: ready.length,
    availableReplicas: ready.filter((pod) => availableInMs(pod, set.spec.minReadySeconds ?? 0, nowMs) === 0).length,
    currentReplicas: of(currentRevision),
    updatedReplicas: updated,
    currentRevision,
    updateRevision,
    collisionCount: set.status?.collisionCount ?? 0,
    ...(set.status?.conditions && { conditions: set.status.conditions }),
  };
}
