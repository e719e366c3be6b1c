import type { KubeObject } from "../../apis/meta.ts";
import { childName } from "../../lib/child-name.ts";

/** The name of a revision's Deployment. Source of all names here: serving v0.42.2 pkg/reconciler/revision/resources/names. */
export function deploymentName(revision: KubeObject): string {
  return childName(revision.metadata.name, "-deployment");
}

/** The name of a revision's PodAutoscaler. */
export function podAutoscalerName(revision: KubeObject): string {
  return revision.metadata.name;
}

/** The name of the Image of one of a revision's containers. */
export function imageName(revision: KubeObject, container: string): string {
  return childName(childName(revision.metadata.name, "-cache"), `-${container}`);
}
