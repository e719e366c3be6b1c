import { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import { conditionOf, isFalse } from "../../apis/conditions.ts";
import type { Deployment } from "../../apis/core/deployment.ts";
import { apiVersionOf } from "../../apis/kind.ts";
import { controllerReference } from "../../apis/meta.ts";
import { routingStateLabel } from "../../apis/serving/labels.ts";
import type { Revision } from "../../apis/serving/revision.ts";
import { makeAnnotations, makeLabels } from "./meta.ts";
import { deploymentName, podAutoscalerName } from "./names.ts";
import { speaksH2c } from "./user-containers.ts";

/**
 * The PodAutoscaler of a revision, whose Deployment may not exist yet.
 * Source: serving v0.42.2 pkg/reconciler/revision/resources/pa.go.
 */
export function makePodAutoscaler(revision: Revision, deployment: Deployment | undefined): PodAutoscaler {
  return {
    apiVersion: apiVersionOf(PodAutoscaler),
    kind: PodAutoscaler.kind,
    metadata: {
      name: podAutoscalerName(revision),
      namespace: revision.metadata.namespace ?? "",
      labels: makeLabels(revision),
      annotations: makeAnnotations(revision),
      ownerReferences: [controllerReference(revision)],
    },
    spec: {
      ...(revision.spec.containerConcurrency && { containerConcurrency: revision.spec.containerConcurrency }),
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: deploymentName(revision) },
      protocolType: speaksH2c(revision) ? "h2c" : "http1",
      ...reachability(revision, deployment),
    },
  };
}

/**
 * Whether requests can come to the revision, where that is known: it follows the routing state. A revision that fails
 * counts as unreachable too, so that it is not kept at min-scale for ever; but never one that has a ready pod, for it
 * is serving.
 */
function reachability(
  revision: Revision,
  deployment: Deployment | undefined,
): Pick<PodAutoscaler["spec"], "reachability"> {
  const failing = ["ResourcesAvailable", "ContainerHealthy"].some((type) => isFalse(conditionOf(revision, type)));
  const wanted = deployment?.spec.replicas ?? 0;
  if (failing && wanted > 0 && (deployment?.status?.readyReplicas ?? 0) === 0) return { reachability: "Unreachable" };
  switch (revision.metadata.labels?.[routingStateLabel]) {
    case "active":
      return { reachability: "Reachable" };
    case "reserve":
      return { reachability: "Unreachable" };
    default:
      return {};
  }
}
