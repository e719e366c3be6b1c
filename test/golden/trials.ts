import { kpaClass } from "../../src/apis/autoscaling/labels.ts";
import { Metric } from "../../src/apis/autoscaling/metric.ts";
import { PodAutoscaler } from "../../src/apis/autoscaling/podautoscaler.ts";
import { Image } from "../../src/apis/caching/image.ts";
import { Deployment } from "../../src/apis/core/deployment.ts";
import { Endpoints } from "../../src/apis/core/endpoints.ts";
import { HorizontalPodAutoscaler } from "../../src/apis/core/horizontalpodautoscaler.ts";
import { isPodReady, type Pod } from "../../src/apis/core/pod.ts";
import { Service } from "../../src/apis/core/service.ts";
import { VirtualService } from "../../src/apis/istio/virtualservice.ts";
import type { Kind } from "../../src/apis/kind.ts";
import type { KubeObject } from "../../src/apis/meta.ts";
import { Ingress } from "../../src/apis/networking/ingress.ts";
import { ServerlessService } from "../../src/apis/networking/serverlessservice.ts";
import { Configuration } from "../../src/apis/serving/configuration.ts";
import { DomainMapping } from "../../src/apis/serving/domainmapping.ts";
import { Revision } from "../../src/apis/serving/revision.ts";
import { Route } from "../../src/apis/serving/route.ts";
import { KnativeService } from "../../src/apis/serving/service.ts";
import { hpaClassReconciler } from "../../src/autoscaler/hpa/reconcile.ts";
import { autoscalerClass } from "../../src/autoscaler/settings.ts";
import type { ServingConfig } from "../../src/config/serving-config.ts";
import type { Reconciler } from "../../src/kube/pass.ts";
import { configurationReconciler } from "../../src/reconcilers/configuration/reconcile.ts";
import { domainMappingReconciler } from "../../src/reconcilers/domainmapping/reconcile.ts";
import type { DigestState } from "../../src/reconcilers/revision/digest/resolver.ts";
import { routeReconciler } from "../../src/reconcilers/route/reconcile.ts";
import { serverlessServiceReconciler } from "../../src/reconcilers/serverlessservice/reconcile.ts";
import { serviceReconciler } from "../../src/reconcilers/service/reconcile.ts";
import { ingressBefore, kpaClassWithout, metricAnswered, revisionAfter } from "./controllers.ts";
import { isMade } from "./differences.ts";
import { objectsOf, type Step } from "./recorded.ts";

/** In what ways the rig's kubelet made pods fail. */
const podStates: Readonly<Record<string, NonNullable<Pod["status"]>>> = {
  unschedulable: {
    phase: "Pending",
    conditions: [
      {
        type: "PodScheduled",
        status: "False",
        reason: "Unschedulable",
        message: "0/1 nodes are available: 1 Insufficient cpu.",
      },
    ],
  },
  imagepull: {
    phase: "Pending",
    conditions: [{ type: "Ready", status: "False" }],
    containerStatuses: [
      {
        name: "user-container",
        image: "",
        imageID: "",
        restartCount: 0,
        ready: false,
        state: { waiting: { reason: "ImagePullBackOff", message: "Back-off pulling image" } },
      },
    ],
  },
};

/** A reconciler of any kind. */
export type TriedReconciler = Reconciler<never, never, ServingConfig>;

/** Lets a controller judge an object of the recording anew, and make its children anew. */
export interface Trial {
  readonly kind: Kind<KubeObject>;
  readonly reconciler: (object: KubeObject, step: Step) => TriedReconciler;
  /** The children that are made anew: one group at a time, while the rest is there. */
  readonly children?: (object: KubeObject) => readonly (readonly Kind<KubeObject>[])[];
  /** Children without which the first of two passes is made, whose marks the second one goes on from. */
  readonly later?: readonly Kind<KubeObject>[];
  /** Whether the status goes on from the one recorded, in place of none: how it came so far is part of it. */
  readonly keepsStatus?: (object: KubeObject) => boolean;
  readonly others?: (object: KubeObject, step: Step) => readonly KubeObject[];
}

export const trials: readonly Trial[] = [
  {
    kind: KnativeService,
    reconciler: () => serviceReconciler as never,
    children: () => [[Configuration], [Route]],
  },
  { kind: Configuration, reconciler: () => configurationReconciler as never },
  {
    kind: Revision,
    reconciler: (object) => revisionAfter(digestsOf(object as Revision)) as never,
    later: [Deployment, PodAutoscaler, Image],
    others: podsOf,
  },
  {
    kind: Route,
    reconciler: () => routeReconciler as never,
    // Of traffic that cannot be realised nothing is made: what was made before stays, and its status.
    children: (route) => (isMade(route) ? [[Ingress], [Service]] : []),
    keepsStatus: (route) => !isMade(route),
  },
  { kind: Ingress, reconciler: () => ingressBefore as never, children: () => [[VirtualService]] },
  {
    kind: ServerlessService,
    reconciler: () => serverlessServiceReconciler as never,
    children: () => [[Service, Endpoints]],
  },
  { kind: DomainMapping, reconciler: () => domainMappingReconciler as never, children: () => [[Ingress]] },
  {
    kind: PodAutoscaler,
    reconciler: (object, step) =>
      (isOfKpaClass(object)
        ? kpaClassWithout(podsOf(object, step).filter(isPodReady).length)
        : hpaClassReconciler) as never,
    children: (object) => [[ServerlessService, isOfKpaClass(object) ? Metric : HorizontalPodAutoscaler]],
    keepsStatus: (object) => (object as PodAutoscaler).spec.reachability === "Unreachable",
    others: podsOf,
  },
  { kind: Metric, reconciler: () => metricAnswered as never },
];

function isOfKpaClass(object: KubeObject): boolean {
  return autoscalerClass(object as PodAutoscaler) === kpaClass;
}

/** What the registry said, going by what became of it. */
function digestsOf({ spec, status }: Revision): DigestState {
  const pinned = new Map(status?.containerStatuses?.map(({ name, imageDigest = "" }) => [name, imageDigest]));
  if (pinned.size > 0) {
    const images = spec.containers.map(({ name, image = "" }) => [image, { pinned: pinned.get(name) ?? "" }] as const);
    return { is: "resolved", images: new Map(images) };
  }
  const { message = "" } = status?.conditions?.find(({ type }) => type === "ContainerHealthy") ?? {};
  const told = /^Unable to fetch image "(.*?)": failed to resolve image to digest: (.*)$/.exec(message);
  return { is: "failed", image: told?.[1] ?? "", error: new Error(told?.[2]) };
}

/** The pods that a Revision or PodAutoscaler had: they were not recorded, but their Deployment counts them. */
function podsOf({ metadata: { name, namespace } }: KubeObject, step: Step): Pod[] {
  const deployment = objectsOf(step, Deployment).find(({ metadata }) => metadata.name === `${name}-deployment`);
  if (!deployment) return [];
  const { replicas = 0, readyReplicas = 0 } = deployment.status ?? {};
  const { labels, annotations = {} } = deployment.spec.template.metadata ?? {};
  const behaviour = podStates[annotations["rig.test/behaviour"] ?? ""] ?? {};
  const ready = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } as const;
  return Array.from({ length: replicas }, (_, index) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `${name}-${index}`, namespace: namespace!, labels },
    spec: { containers: [] },
    status: index < readyReplicas ? ready : behaviour,
  })) as unknown as Pod[];
}
