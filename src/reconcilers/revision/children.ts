import type { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import type { Image } from "../../apis/caching/image.ts";
import type { ConditionDraft } from "../../apis/conditions.ts";
import type { Deployment } from "../../apis/core/deployment.ts";
import { isControlledBy, type KubeObject, keyOf } from "../../apis/meta.ts";
import type { Revision } from "../../apis/serving/revision.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import type { Lister, Pass, Resource } from "../../kube/api.ts";
import { failure, isAlreadyExists } from "../../kube/errors.ts";
import { semanticEqual } from "../../kube/semantic.ts";
import { deploying } from "./conditions.ts";
import { firstScale, makeDeployment } from "./deployment.ts";
import { driftOf, isSameSpec } from "./deployment-drift.ts";
import { makeImage } from "./image.ts";
import { deploymentName, imageName, podAutoscalerName } from "./names.ts";
import { makePodAutoscaler } from "./pod-autoscaler.ts";
import type { Installation } from "./queue-container.ts";
import type { Waves } from "./waves.ts";

export interface ChildrenDeps {
  readonly deployments: Pick<Lister<Deployment>, "get">;
  readonly podAutoscalers: Pick<Lister<PodAutoscaler>, "get">;
  readonly images: Pick<Lister<Image>, "get">;
  readonly writeDeployments: Pick<Resource<Deployment>, "get" | "create" | "update">;
  readonly writePodAutoscalers: Pick<Resource<PodAutoscaler>, "get" | "create" | "update">;
  readonly writeImages: Pick<Resource<Image>, "create">;
  readonly installation: Installation;
  readonly waves: Waves;
  /** Deployments that somebody else keeps as they are, however often we write them: what we last wanted of them. */
  readonly futile: Map<string, { readonly generation: number | undefined; readonly wanted: string }>;
}

export interface EnsuredDeployment {
  readonly deployment: Deployment;
  readonly isNew: boolean;
  /** Its pods are to be replaced, but others come first. */
  readonly mustWait: boolean;
}

/** Creates or updates the revision's Deployment. Throws, with the condition marked, where the name is someone else's. */
export async function ensureDeployment(
  revision: Revision,
  conditions: ConditionDraft,
  deps: ChildrenDeps,
  pass: Pass<ServingConfig>,
): Promise<EnsuredDeployment> {
  const name = deploymentName(revision);
  let existing = deps.deployments.get({ name, namespace: revision.metadata.namespace ?? "" });
  if (!existing) {
    conditions.markUnknown("ResourcesAvailable", deploying);
    conditions.markUnknown("ContainerHealthy", deploying);
    try {
      const wanted = makeDeployment(revision, pass.config, deps.installation);
      const replicas = firstScale(revision, pass.config);
      const first: Deployment = { ...wanted, spec: { ...wanted.spec, replicas } };
      const { object, isNew } = await createOrGet(first, deps.writeDeployments, pass);
      if (isNew) return { deployment: object, isNew, mustWait: false };
      existing = object;
    } catch (error) {
      throw failure(`failed to create deployment "${name}"`, error);
    }
  }
  mustBeOurs("Deployment", existing, revision, conditions);
  try {
    return { ...(await updateDeployment(existing, revision, deps, pass)), isNew: false };
  } catch (error) {
    throw failure(`failed to update deployment "${name}"`, error);
  }
}

async function updateDeployment(
  existing: Deployment,
  revision: Revision,
  deps: ChildrenDeps,
  pass: Pass<ServingConfig>,
): Promise<Pick<EnsuredDeployment, "deployment" | "mustWait">> {
  const drift = driftOf(existing, makeDeployment(revision, pass.config, deps.installation));
  if (!drift) return { deployment: existing, mustWait: false };
  const key = keyOf(revision);
  const wanted = JSON.stringify(drift.spec);
  const tried = deps.futile.get(key);
  if (tried?.wanted === wanted && tried.generation === existing.metadata.generation) {
    return { deployment: existing, mustWait: false };
  }
  if (!deps.waves.mayRoll(existing)) return { deployment: existing, mustWait: true };
  const updated = await deps.writeDeployments.update(drift, { signal: pass.signal });
  if (isSameSpec(updated.spec, existing.spec)) {
    deps.futile.set(key, { generation: updated.metadata.generation, wanted });
  } else {
    pass.log.info("updated the Deployment to the present configuration", { deployment: updated.metadata.name });
  }
  return { deployment: updated, mustWait: false };
}

/** Creates the Images of the revision's containers that do not exist yet. */
export async function ensureImages(
  revision: Revision,
  status: Pick<NonNullable<Revision["status"]>, "containerStatuses" | "initContainerStatuses">,
  deps: ChildrenDeps,
  pass: Pass<ServingConfig>,
): Promise<void> {
  const namespace = revision.metadata.namespace ?? "";
  for (const container of [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])]) {
    const name = imageName(revision, container.name ?? "");
    if (deps.images.get({ name, namespace })) continue;
    const image = makeImage(revision, container.name ?? "", container.imageDigest ?? "");
    await deps.writeImages.create(image, { signal: pass.signal }).catch((error) => {
      // Revisions do not change: whoever made it made it from the same.
      if (!isAlreadyExists(error)) throw failure(`failed to create image cache "${name}"`, error);
    });
  }
}

/** Creates or updates the revision's PodAutoscaler. Throws, with the condition marked, where the name is someone else's. */
export async function ensurePodAutoscaler(
  revision: Revision,
  deployment: Deployment,
  conditions: ConditionDraft,
  deps: ChildrenDeps,
  pass: Pass<ServingConfig>,
): Promise<PodAutoscaler> {
  const name = podAutoscalerName(revision);
  // Reachability follows what this pass has found out, not what the last one wrote.
  const judged = { ...revision, status: { ...revision.status, conditions: conditions.all() } };
  const wanted = makePodAutoscaler(judged, deployment);
  let existing = deps.podAutoscalers.get({ name, namespace: revision.metadata.namespace ?? "" });
  if (!existing) {
    try {
      existing = (await createOrGet(wanted, deps.writePodAutoscalers, pass)).object;
    } catch (error) {
      throw failure(`failed to create PA "${name}"`, error);
    }
  }
  mustBeOurs("PodAutoscaler", existing, revision, conditions);
  if (isSameAutoscaler(existing, wanted)) return existing;
  try {
    return await deps.writePodAutoscalers.update({ ...existing, spec: wanted.spec }, { signal: pass.signal });
  } catch (error) {
    throw failure(`failed to update PA "${name}"`, error);
  }
}

function isSameAutoscaler(a: PodAutoscaler, b: PodAutoscaler): boolean {
  const spec = ({ containerConcurrency = 0, reachability = "", ...rest }: PodAutoscaler["spec"]) => {
    return { ...rest, containerConcurrency, reachability };
  };
  return semanticEqual(spec(a.spec), spec(b.spec));
}

/** The cache may lag behind, or leave out what has not our labels: then the server knows. */
async function createOrGet<T extends KubeObject>(
  wanted: T,
  resource: Pick<Resource<T>, "get" | "create">,
  pass: Pass<ServingConfig>,
): Promise<{ object: T; isNew: boolean }> {
  try {
    return { object: await resource.create(wanted, { signal: pass.signal }), isNew: true };
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const { name, namespace = "" } = wanted.metadata;
    return { object: await resource.get({ name, namespace }, pass.signal), isNew: false };
  }
}

function mustBeOurs(kind: string, child: KubeObject, revision: Revision, conditions: ConditionDraft): void {
  if (isControlledBy(child, revision)) return;
  const { name } = child.metadata;
  conditions.markFalse("ResourcesAvailable", "NotOwned", `There is an existing ${kind} "${name}" that we do not own.`);
  throw new Error(`revision: "${revision.metadata.name}" does not own ${kind}: "${name}"`);
}
