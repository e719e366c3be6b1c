import { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import { Image } from "../../apis/caching/image.ts";
import { type ConditionDraft, conditionOf, isFalse, isTrue } from "../../apis/conditions.ts";
import { Deployment } from "../../apis/core/deployment.ts";
import { Event } from "../../apis/core/event.ts";
import { Pod } from "../../apis/core/pod.ts";
import { keyOf } from "../../apis/meta.ts";
import { draftConditions, numbersMayWaitMs, observed, waitUnderWay } from "../../apis/observed.ts";
import { revisionUidLabel } from "../../apis/serving/labels.ts";
import { Revision } from "../../apis/serving/revision.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import type { ClusterAccess, Lister, Outcome, Pass } from "../../kube/api.ts";
import { differsOnlyIn } from "../../kube/status.ts";
import { type ChildrenDeps, ensureDeployment, ensureImages, ensurePodAutoscaler } from "./children.ts";
import {
  conditionsOfRevision,
  deploying,
  hasTimedOut,
  isFailing,
  propagateAutoscaler,
  propagateDeployment,
} from "./conditions.ts";
import type { Keychain } from "./digest/keychains/keychain.ts";
import type { PullSecrets } from "./digest/pull-secrets.ts";
import type { RegistryClient } from "./digest/registry.ts";
import { resolveImage } from "./digest/resolve.ts";
import type { DigestResolver } from "./digest/resolver.ts";
import { findTrouble, type Trouble } from "./trouble.ts";
import { createWaves } from "./waves.ts";

export interface RevisionDeps extends ChildrenDeps {
  readonly digests: DigestResolver;
  readonly registry: RegistryClient;
  readonly pullSecrets: PullSecrets;
  readonly keychains: readonly Keychain[];
  readonly pods: Pick<Lister<Pod>, "byIndex">;
  readonly warnings: Pick<Lister<Event>, "byIndex">;
  /** Makes sure that queue-proxy has a certificate, where the system's inner traffic is encrypted. */
  readonly ensureCertificate: (revision: Revision, pass: Pass<ServingConfig>) => Promise<void>;
}

export const revisionReconciler = {
  kind: Revision,
  reconcile: reconcileRevision,
  deps: (
    { client, informers }: ClusterAccess,
    own: Pick<
      RevisionDeps,
      "installation" | "digests" | "registry" | "pullSecrets" | "keychains" | "ensureCertificate"
    >,
  ) => {
    const ours = { labelSelector: revisionUidLabel };
    const deployments = informers.of(Deployment, ours);
    const pods = informers.of(Pod, { ...ours, without: ["spec", "metadata.annotations", "metadata.ownerReferences"] });
    const warnings = informers.of(Event, { fieldSelector: "involvedObject.kind=Pod,type=Warning" });
    pods.addIndex(byRevisionUid, ({ metadata }) => [metadata.labels?.[revisionUidLabel] ?? ""]);
    warnings.addIndex(byPodUid, ({ involvedObject }) => [involvedObject?.uid ?? ""]);
    const futile: RevisionDeps["futile"] = new Map();
    return {
      ...own,
      deployments,
      podAutoscalers: informers.of(PodAutoscaler),
      images: informers.of(Image, { without: ["spec", "status"] }),
      writeDeployments: client.of(Deployment),
      writePodAutoscalers: client.of(PodAutoscaler),
      writeImages: client.of(Image),
      waves: createWaves(deployments),
      futile,
      pods,
      warnings,
    };
  },
};

/** Indexes: pods under the uid of their revision, Warning events under that of their pod. */
const byRevisionUid = "revisionUid";
const byPodUid = "podUid";

type RevisionStatus = NonNullable<Revision["status"]>;

/** Most registries answer within this time: waiting for them saves a status in between. */
const patienceMs = 150;
const nextWaveMs = 3000;
/** What keeps a revision from becoming ready is often over in a moment. */
const troubleMayWaitMs = 1000;

/**
 * Pins the revision's images, keeps its Deployment, Images and PodAutoscaler, and says how it is.
 * Source: serving v0.42.2 pkg/reconciler/revision.
 */
export async function reconcileRevision(
  revision: Revision,
  deps: RevisionDeps,
  pass: Pass<ServingConfig>,
): Promise<Outcome<Revision>> {
  const conditions = draftConditions(revision, conditionsOfRevision, pass.clock);
  const status: RevisionStatus = { ...revision.status };
  const outcome: { requeueAfterMs?: number; error?: unknown } = {};
  let isTroubled = false;
  const wasReady = isTrue(conditionOf(revision, "Ready"));
  setLogUrl(revision, status, pass.config);
  try {
    if (await pinImages(revision, status, conditions, deps, pass)) {
      const found = await reconcileChildren({ ...revision, status }, status, conditions, deps, pass);
      isTroubled = found.isTroubled;
      if (found.mustWait) outcome.requeueAfterMs = nextWaveMs;
      if (!wasReady && isTrue(conditions.get("Ready"))) {
        pass.events.normal("RevisionReady", "Revision becomes ready upon all resources being ready");
      }
    }
  } catch (error) {
    outcome.error = error;
  }
  const told = { ...status, ...observed(revision, conditions) };
  return {
    status: told,
    ...waitUnderWay(revision, conditions, conditionsOfRevision, isTroubled ? { mayWaitMs: troubleMayWaitMs } : {}),
    ...(differsOnlyIn(revision.status, told, ["actualReplicas", "desiredReplicas"]) && {
      statusMayWaitMs: numbersMayWaitMs,
    }),
    ...outcome,
  };
}

function setLogUrl(revision: Revision, status: RevisionStatus, { observability }: ServingConfig): void {
  const template = observability.loggingURLTemplate;
  if (template) status.logUrl = template.replace(/\$\{REVISION_UID\}/g, () => revision.metadata.uid ?? "");
  else delete status.logUrl;
}

/** Fills in the digests of the revision's images; false while they are not known. */
async function pinImages(
  revision: Revision,
  status: RevisionStatus,
  conditions: ConditionDraft,
  deps: RevisionDeps,
  pass: Pass<ServingConfig>,
): Promise<boolean> {
  const { containers, initContainers = [] } = revision.spec;
  const known = (status.containerStatuses?.length ?? 0) + (status.initContainerStatuses?.length ?? 0);
  const key = keyOf(revision);
  if (known === containers.length + initContainers.length) {
    deps.digests.forget(key);
    return true;
  }
  const { digestResolutionTimeoutMs, registriesSkippingTagResolving, registriesToleratingUnresolvedTags } =
    pass.config.deployment;
  const request = {
    key,
    images: [...initContainers, ...containers].map(({ image = "" }) => image),
    timeoutMs: digestResolutionTimeoutMs,
    resolve: (image: string, signal: AbortSignal) =>
      resolveImage(image, {
        registry: deps.registry,
        skip: registriesSkippingTagResolving,
        tolerate: registriesToleratingUnresolvedTags,
        keyring: () => deps.pullSecrets.keyringOf(revision, signal),
        keychains: deps.keychains,
        signal,
      }),
  };
  let state = deps.digests.stateOf(request);
  if (state.is === "pending") {
    await deps.digests.settled(key, patienceMs);
    state = deps.digests.stateOf(request);
  }
  if (state.is === "pending") {
    conditions.markUnknown("ResourcesAvailable", "ResolvingDigests");
    return false;
  }
  if (state.is === "failed") {
    const reason = `failed to resolve image to digest: ${state.error.message}`;
    const message = `Unable to fetch image ${JSON.stringify(state.image)}: ${reason}`;
    if (conditions.get("ContainerHealthy")?.message !== message) pass.events.warning("InternalError", message);
    conditions.markUnknown("ResourcesAvailable", "ResolvingDigests");
    conditions.markFalse("ContainerHealthy", "ContainerMissing", message);
    return false;
  }
  const { images } = state;
  const statusOf = ({ name, image = "" }: { name: string; image?: string }) => {
    const pinned = images.get(image)?.pinned;
    return { name, ...(pinned && { imageDigest: pinned }) };
  };
  for (const { warning } of images.values()) if (warning) pass.events.warning("DigestUnresolved", warning);
  if (initContainers.length > 0) status.initContainerStatuses = initContainers.map(statusOf);
  status.containerStatuses = containers.map(statusOf);
  if (isFalse(conditions.get("ContainerHealthy"))) conditions.markUnknown("ContainerHealthy", deploying);
  return true;
}

async function reconcileChildren(
  revision: Revision,
  status: RevisionStatus,
  conditions: ConditionDraft,
  deps: RevisionDeps,
  pass: Pass<ServingConfig>,
): Promise<{ mustWait: boolean; isTroubled: boolean }> {
  await deps.ensureCertificate(revision, pass);
  const { deployment, isNew, mustWait } = await ensureDeployment(revision, conditions, deps, pass);
  let trouble: Trouble | undefined;
  if (!isNew) {
    propagateDeployment(deployment, conditions);
    trouble = troubleOf(revision, deployment, deps);
    if (trouble?.status === "False") conditions.markFalse(trouble.condition, trouble.reason, trouble.message);
    else if (!trouble) forgetTrouble(deployment, conditions);
  }
  await ensureImages(revision, status, deps, pass);

  const autoscaler = await ensurePodAutoscaler(revision, deployment, conditions, deps, pass);
  propagateAutoscaler(autoscaler, conditions);
  setReplicas(status, "actualReplicas", autoscaler.status?.actualScale);
  setReplicas(status, "desiredReplicas", autoscaler.status?.desiredScale);
  // What may still come right is told too, but only as long as nothing worse or better is known.
  const isTroubled = trouble?.status === "Unknown" && !isFailing(conditions) && !isTrue(conditions.get("Ready"));
  if (trouble && isTroubled) conditions.markUnknown(trouble.condition, trouble.reason, trouble.message);
  return { mustWait, isTroubled };
}

/** Only a revision without a single pod that works is in trouble: one that serves is not judged by its worst pod. */
function troubleOf(revision: Revision, deployment: Deployment, deps: RevisionDeps): Trouble | undefined {
  if ((deployment.spec.replicas ?? 1) === 0 || (deployment.status?.availableReplicas ?? 0) > 0) return undefined;
  const pods = deps.pods.byIndex(byRevisionUid, revision.metadata.uid ?? "");
  const warningsOf = (pod: Pod) => deps.warnings.byIndex(byPodUid, pod.metadata.uid ?? "");
  return findTrouble(pods, warningsOf, hasTimedOut(deployment));
}

/** Pods that work prove that the containers are healthy again. */
function forgetTrouble(deployment: Deployment, conditions: ConditionDraft): void {
  if ((deployment.status?.availableReplicas ?? 0) > 0 && isFalse(conditions.get("ContainerHealthy"))) {
    conditions.markUnknown("ContainerHealthy", deploying);
  }
}

function setReplicas(
  status: RevisionStatus,
  field: "actualReplicas" | "desiredReplicas",
  scale: number | undefined,
): void {
  if (scale !== undefined && scale >= 0) status[field] = scale;
  else delete status[field];
}
