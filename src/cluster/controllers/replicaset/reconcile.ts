import { Pod } from "../../../apis/core/pod.ts";
import type { ReplicaSet } from "../../../apis/core/replicaset.ts";
import { keyOf } from "../../../apis/meta.ts";
import type { Client, Lister, Outcome, Pass } from "../../../kube/api.ts";
import { isAlreadyExists, isNamespaceTerminating, isNotFound, reasonFor } from "../../../kube/errors.ts";
import { generateName } from "../../api/names.ts";
import { matchesSelector } from "../../api/selectors.ts";
import { claim } from "../claim.ts";
import type { Expectations } from "../expectations.ts";
import { makePod } from "../make-pod.ts";
import { isActive } from "../pods.ts";
import { type FailureReason, replicaSetStatus } from "./status.ts";
import { chooseVictims } from "./victims.ts";

export interface ReplicaSetDeps {
  readonly client: Client;
  readonly pods: Lister<Pod>;
  readonly expectations: Expectations;
}

/** More pods than this are not made or deleted in one pass. Source: k8s.io/kubernetes v1.34 replicaset BurstReplicas. */
const burst = 500;

/** Makes missing pods, deletes surplus ones and counts them. */
export async function reconcileReplicaSet(
  set: ReplicaSet,
  deps: ReplicaSetDeps,
  pass: Pass<null>,
): Promise<Outcome<ReplicaSet>> {
  const { client, pods } = deps;
  const namespace = set.metadata.namespace ?? "";
  const settled = deps.expectations.met(keyOf(set));
  const matches = (pod: Pod) => matchesSelector(set.spec.selector, pod.metadata.labels);
  const candidates = pods.list({ namespace }).filter(isActive);
  const owned = await claim(set, candidates, matches, client.of(Pod), pass.signal);

  let failure: { reason: FailureReason; error: unknown } | undefined;
  if (settled && !set.metadata.deletionTimestamp) {
    const missing = (set.spec.replicas ?? 1) - owned.length;
    if (missing > 0) {
      failure = await createPods(set, Math.min(missing, burst), deps, pass)
        .then(() => undefined)
        .catch((error) => ({ reason: "FailedCreate", error }) as const);
    } else if (missing < 0) {
      const related = pods.list({ namespace }).filter(isActive);
      const victims = chooseVictims(owned, related, Math.min(-missing, burst), pass.clock.now());
      failure = await deletePods(set, victims, deps, pass)
        .then(() => undefined)
        .catch((error) => ({ reason: "FailedDelete", error }) as const);
    }
  }
  const { status, recheckMs } = replicaSetStatus(set, owned, failure, pass.clock.now());
  return {
    status,
    ...(failure && { error: failure.error }),
    ...(recheckMs !== undefined && { requeueAfterMs: recheckMs }),
  };
}

/** In batches that double, so that a template that is refused is not sent a hundred times. */
async function createPods(set: ReplicaSet, count: number, deps: ReplicaSetDeps, pass: Pass<null>): Promise<void> {
  for (let made = 0, batch = 1; made < count; made += batch, batch *= 2) {
    const size = Math.min(batch, count - made);
    const results = await Promise.allSettled(Array.from({ length: size }, () => createPod(set, deps, pass)));
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  }
}

async function createPod(set: ReplicaSet, deps: ReplicaSetDeps, pass: Pass<null>): Promise<void> {
  const prefix = `${set.metadata.name}-`;
  const pod = makePod(set, set.spec.template ?? {}, generateName(prefix), prefix);
  deps.expectations.expectCreation(keyOf(set), keyOf(pod));
  try {
    await deps.client.of(Pod).create(pod, { signal: pass.signal });
    pass.events.normal("SuccessfulCreate", `Created pod: ${pod.metadata.name}`);
  } catch (error) {
    deps.expectations.cancel(keyOf(set), keyOf(pod));
    if (isAlreadyExists(error)) return createPod(set, deps, pass);
    if (isNamespaceTerminating(error)) return;
    pass.events.warning("FailedCreate", `Error creating: ${reasonFor(error)}`);
    throw error;
  }
}

async function deletePods(
  set: ReplicaSet,
  victims: readonly Pod[],
  deps: ReplicaSetDeps,
  pass: Pass<null>,
): Promise<void> {
  const results = await Promise.allSettled(
    victims.map(async (pod) => {
      const { name, namespace = "", uid = "" } = pod.metadata;
      deps.expectations.expectDeletion(keyOf(set), uid);
      try {
        await deps.client.of(Pod).delete({ name, namespace }, { preconditions: { uid }, signal: pass.signal });
        pass.events.normal("SuccessfulDelete", `Deleted pod: ${name}`);
      } catch (error) {
        deps.expectations.cancel(keyOf(set), uid);
        if (isNotFound(error)) return;
        pass.events.warning("FailedDelete", `Error deleting: ${reasonFor(error)}`);
        throw error;
      }
    }),
  );
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}
