import { Deployment, type WorkloadCondition } from "../../../apis/core/deployment.ts";
import type { Pod } from "../../../apis/core/pod.ts";
import { ReplicaSet } from "../../../apis/core/replicaset.ts";
import { controllerOf } from "../../../apis/meta.ts";
import type { Client, Lister, Outcome, Pass } from "../../../kube/api.ts";
import { isAlreadyExists, isNamespaceTerminating, isNotFound, reasonFor } from "../../../kube/errors.ts";
import { matchesSelector } from "../../api/selectors.ts";
import { claim } from "../claim.ts";
import { hasEnded } from "../pods.ts";
import { boundsOf, hasProgressDeadline } from "./bounds.ts";
import {
  findNewSet,
  makeReplicaSet,
  revisionAnnotation,
  revisionOf,
  sameTemplate,
  sizeAnnotations,
  sizeOf,
  wantedAnnotations,
} from "./replica-set.ts";
import { decideProportionalSizes, decideRollingStep, isScalingEvent, type Sizes, sizeOfNewSet } from "./scaling.ts";
import { condition, deploymentStatus, isComplete, progressLeftMs, setCondition, timedOutReason } from "./status.ts";

export interface DeploymentDeps {
  readonly client: Client;
  readonly sets: Lister<ReplicaSet>;
  readonly pods: Lister<Pod>;
}

/** Moves the ReplicaSets of a Deployment one step closer to its template and size. */
export async function reconcileDeployment(
  deployment: Deployment,
  deps: DeploymentDeps,
  pass: Pass<null>,
): Promise<Outcome<Deployment>> {
  const { client } = deps;
  const namespace = deployment.metadata.namespace ?? "";
  const matches = (set: ReplicaSet) => matchesSelector(deployment.spec.selector, set.metadata.labels);
  const sets = await claim(deployment, deps.sets.list({ namespace }), matches, client.of(ReplicaSet), pass.signal);
  const found = findNewSet(deployment, sets);
  const oldSets = sets.filter((set) => set !== found);
  const recreate = deployment.spec.strategy?.type === "Recreate";
  const bounds = boundsOf(deployment);
  const paused = deployment.spec.paused === true;
  const now = pass.clock.now();
  let conditions = pausedConditions(deployment, now);

  const mayCreate = !paused && !(recreate && oldPodsRunning(found, oldSets, deployment, deps));
  const revision = Math.max(found ? revisionOf(found) : 0, 1 + Math.max(0, ...oldSets.map(revisionOf)));
  if ((found || mayCreate) && deployment.metadata.annotations?.[revisionAnnotation] !== String(revision)) {
    await writeRevision(deployment, revision, deps, pass);
    return {};
  }

  let newSet = found && (await syncNewSet(found, deployment, revision, deps, pass));
  if (newSet && hasProgressDeadline(deployment) && !conditions.some(({ type }) => type === "Progressing")) {
    const text = `Found new replica set "${newSet.metadata.name}"`;
    conditions = setCondition(conditions, condition("Progressing", "True", "FoundNewReplicaSet", text, now));
  }

  const statusNow = (rollout = true) => deploymentStatus(deployment, newSet, oldSets, conditions, now, rollout);
  const scale = (sizes: Sizes) => scaleSets(sizes, newSet ? [...oldSets, newSet] : oldSets, deployment, deps, pass);

  if (paused || isScalingEvent(bounds.replicas, [...oldSets, ...(newSet ? [newSet] : [])].map(sizeOf))) {
    const statusReplicas = deployment.status?.replicas ?? 0;
    await scale(
      decideProportionalSizes(bounds, newSet && sizeOf(newSet), oldSets.map(sizeOf), { recreate, statusReplicas }),
    );
    await rememberSize([...oldSets, ...(newSet ? [newSet] : [])], deployment, deps, pass);
    if (paused) await dropHistory(deployment, oldSets, deps, pass);
    return { status: statusNow(false) };
  }

  if (!newSet && mayCreate) {
    const total = oldSets.reduce((sum, set) => sum + (set.spec.replicas ?? 1), 0);
    const wanted = makeReplicaSet(deployment, revision, sizeOfNewSet(bounds, 0, total, recreate));
    const created = await createSet(wanted, deployment, deps, pass);
    if (created.type === "collision") {
      const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
      return { status: { ...deployment.status, collisionCount } };
    }
    if (created.type === "failed") {
      const text = `Failed to create new replica set "${wanted.metadata.name}": ${reasonFor(created.error)}`;
      if (hasProgressDeadline(deployment)) {
        conditions = setCondition(conditions, condition("Progressing", "False", "ReplicaSetCreateError", text, now));
      }
      return { status: { ...deployment.status, conditions: [...conditions] }, error: created.error };
    }
    newSet = created.set;
    if (hasProgressDeadline(deployment)) {
      const text = `Created new replica set "${newSet.metadata.name}"`;
      conditions = setCondition(conditions, condition("Progressing", "True", "NewReplicaSetCreated", text, now));
    }
  }

  if (recreate) {
    const active = oldSets.filter((set) => (set.spec.replicas ?? 1) > 0);
    if (active.length > 0) await scale(Object.fromEntries(active.map((set) => [set.metadata.name, 0])));
    else if (newSet && mayCreate && newSet.spec.replicas !== bounds.replicas) {
      await scale({ [newSet.metadata.name]: bounds.replicas });
    }
  } else if (newSet) {
    await scale(decideRollingStep(bounds, sizeOf(newSet), oldSets.map(sizeOf)));
  }

  const status = statusNow();
  if (isComplete(deployment, status)) await dropHistory(deployment, oldSets, deps, pass);
  const leftMs = progressLeftMs(deployment, status.conditions ?? [], now);
  return { status, ...(leftMs !== undefined && { requeueAfterMs: Math.max(0, leftMs) + 1000 }) };
}

function pausedConditions(deployment: Deployment, nowMs: number): readonly WorkloadCondition[] {
  const conditions = deployment.status?.conditions ?? [];
  const present = conditions.find(({ type }) => type === "Progressing");
  if (!hasProgressDeadline(deployment) || present?.reason === timedOutReason) return conditions;
  const wasPaused = present?.reason === "DeploymentPaused";
  const set = (reason: string, message: string) =>
    setCondition(conditions, condition("Progressing", "Unknown", reason, message, nowMs));
  if (deployment.spec.paused && !wasPaused) return set("DeploymentPaused", "Deployment is paused");
  if (!deployment.spec.paused && wasPaused) return set("DeploymentResumed", "Deployment is resumed");
  return conditions;
}

/** Recreate waits for these: pods of other templates that have not ended, those being deleted included. */
function oldPodsRunning(
  newSet: ReplicaSet | undefined,
  oldSets: readonly ReplicaSet[],
  deployment: Deployment,
  deps: DeploymentDeps,
): boolean {
  if (oldSets.some((set) => (set.status?.replicas ?? 0) > 0)) return true;
  const uids = new Set(oldSets.map((set) => set.metadata.uid));
  const pods = deps.pods.list({ namespace: deployment.metadata.namespace ?? "" });
  return pods.some((pod) => {
    const owner = controllerOf(pod)?.uid;
    return owner !== undefined && owner !== newSet?.metadata.uid && uids.has(owner) && !hasEnded(pod);
  });
}

async function writeRevision(
  deployment: Deployment,
  revision: number,
  deps: DeploymentDeps,
  pass: Pass<null>,
): Promise<void> {
  const body = { metadata: { annotations: { [revisionAnnotation]: String(revision) } } };
  await deps.client.of(Deployment).patch(refOf(deployment), { type: "merge", body }, { signal: pass.signal });
}

/** Brings annotations and minReadySeconds of the ReplicaSet of the present template up to date. */
async function syncNewSet(
  set: ReplicaSet,
  deployment: Deployment,
  revision: number,
  deps: DeploymentDeps,
  pass: Pass<null>,
): Promise<ReplicaSet> {
  const annotations = wantedAnnotations(deployment, set, revision);
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  const upToDate =
    Object.entries(annotations).every(([name, value]) => set.metadata.annotations?.[name] === value) &&
    (set.spec.minReadySeconds ?? 0) === minReadySeconds;
  return upToDate ? set : patchSet(set, { metadata: { annotations }, spec: { minReadySeconds } }, deps, pass);
}

type Created =
  | { readonly type: "created"; readonly set: ReplicaSet }
  | { readonly type: "collision" }
  | { readonly type: "failed"; readonly error: unknown };

async function createSet(
  wanted: ReplicaSet,
  deployment: Deployment,
  deps: DeploymentDeps,
  pass: Pass<null>,
): Promise<Created> {
  const resource = deps.client.of(ReplicaSet);
  try {
    const set = await resource.create(wanted, { signal: pass.signal });
    const replicas = wanted.spec.replicas ?? 0;
    if (replicas > 0) {
      pass.events.normal("ScalingReplicaSet", `Scaled up replica set ${set.metadata.name} from 0 to ${replicas}`);
    }
    return { type: "created", set };
  } catch (error) {
    if (isAlreadyExists(error)) {
      const present = await resource.get(refOf(wanted), pass.signal);
      const ours = controllerOf(present)?.uid === deployment.metadata.uid;
      if (ours && sameTemplate(present.spec.template, deployment.spec.template))
        return { type: "created", set: present };
      return { type: "collision" };
    }
    if (!isNamespaceTerminating(error)) {
      const text = `Failed to create new replica set "${wanted.metadata.name}": ${reasonFor(error)}`;
      pass.events.warning("ReplicaSetCreateError", text);
    }
    return { type: "failed", error };
  }
}

async function scaleSets(
  sizes: Sizes,
  sets: readonly ReplicaSet[],
  deployment: Deployment,
  deps: DeploymentDeps,
  pass: Pass<null>,
): Promise<void> {
  const annotations = sizeAnnotations(boundsOf(deployment));
  for (const set of sets) {
    const size = sizes[set.metadata.name];
    const present = set.spec.replicas ?? 1;
    if (size === undefined || size === present) continue;
    await patchSet(set, { metadata: { annotations }, spec: { replicas: size } }, deps, pass);
    const direction = size > present ? "up" : "down";
    const text = `Scaled ${direction} replica set ${set.metadata.name} from ${present} to ${size}`;
    pass.events.normal("ScalingReplicaSet", text);
  }
}

/** Active sets that need no other size still note the Deployment's new one, lest it count as a change for ever. */
async function rememberSize(
  sets: readonly ReplicaSet[],
  deployment: Deployment,
  deps: DeploymentDeps,
  pass: Pass<null>,
): Promise<void> {
  const annotations = sizeAnnotations(boundsOf(deployment));
  for (const set of sets) {
    const noted = Object.entries(annotations).every(([name, value]) => set.metadata.annotations?.[name] === value);
    if ((set.spec.replicas ?? 1) === 0 || noted) continue;
    // Without a version: the size may just have been changed by this very pass.
    await deps.client.of(ReplicaSet).patch(refOf(set), { type: "merge", body: { metadata: { annotations } } });
  }
  pass.signal.throwIfAborted();
}

/** Deletes the oldest ReplicaSets beyond revisionHistoryLimit. */
async function dropHistory(
  deployment: Deployment,
  oldSets: readonly ReplicaSet[],
  deps: DeploymentDeps,
  pass: Pass<null>,
): Promise<void> {
  const alive = oldSets.filter((set) => !set.metadata.deletionTimestamp);
  const surplus = alive.length - (deployment.spec.revisionHistoryLimit ?? 10);
  if (surplus <= 0) return;
  const oldestFirst = alive.sort((a, b) => revisionOf(a) - revisionOf(b));
  for (const set of oldestFirst.slice(0, surplus)) {
    const unseen = (set.metadata.generation ?? 0) > (set.status?.observedGeneration ?? 0);
    if ((set.status?.replicas ?? 0) !== 0 || (set.spec.replicas ?? 1) !== 0 || unseen) continue;
    await deps.client
      .of(ReplicaSet)
      .delete(refOf(set), { signal: pass.signal })
      .catch((error) => {
        if (!isNotFound(error)) throw error;
      });
  }
}

function patchSet(set: ReplicaSet, change: object, deps: DeploymentDeps, pass: Pass<null>): Promise<ReplicaSet> {
  const { metadata, ...rest } = change as { metadata?: object };
  const body = { ...rest, metadata: { ...metadata, resourceVersion: set.metadata.resourceVersion } };
  return deps.client.of(ReplicaSet).patch(refOf(set), { type: "merge", body }, { signal: pass.signal });
}

function refOf({ metadata }: ReplicaSet | Deployment) {
  return { name: metadata.name, namespace: metadata.namespace ?? "" };
}
