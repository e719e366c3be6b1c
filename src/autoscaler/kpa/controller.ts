import { kpaClass } from "../../apis/autoscaling/labels.ts";
import { Metric } from "../../apis/autoscaling/metric.ts";
import { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import { Deployment } from "../../apis/core/deployment.ts";
import { Pod } from "../../apis/core/pod.ts";
import { ServerlessService } from "../../apis/networking/serverlessservice.ts";
import { revisionLabel, revisionUidLabel } from "../../apis/serving/labels.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import type { MultiScaler } from "../multi-scaler.ts";
import { revisionPods } from "../pods.ts";
import { autoscalerClass } from "../settings.ts";
import { type Deps, reconcilePodAutoscaler } from "./reconcile.ts";
import { createScaleTargets } from "./scale-target.ts";

/** Starts the controller of PodAutoscalers of class kpa: deciders tell it when the advice for a key changes. */
export function startKpaController(
  context: ControllerContext<ServingConfig>,
  multiScaler: MultiScaler,
  observe: Deps["observe"],
): Controller {
  const { client, informers } = context;
  const serverlessServices = informers.of(ServerlessService);
  const metrics = informers.of(Metric);
  const pods = informers.of(Pod, revisionPods);
  const controller = startController(context, {
    name: "kpa-class-podautoscaler",
    kind: PodAutoscaler,
    filter: (pa) => autoscalerClass(pa) === kpaClass,
    deps: {
      serverlessServices,
      serverlessServiceClient: client.of(ServerlessService),
      metrics,
      metricClient: client.of(Metric),
      pods,
      scaleTargets: createScaleTargets(client, informers.of(Deployment, { labelSelector: revisionUidLabel })),
      multiScaler,
      observe,
    },
    reconcile: reconcilePodAutoscaler,
    watches: [
      watching(serverlessServices, ownedBy(PodAutoscaler)),
      watching(metrics, ownedBy(PodAutoscaler)),
      watching(pods, (pod) => [`${pod.metadata.namespace}/${pod.metadata.labels?.[revisionLabel]}`]),
    ],
  });
  multiScaler.onAdvice((key) => controller.enqueue(key));
  informers.of(PodAutoscaler).onChange((change) => {
    if (change.type === "deleted")
      multiScaler.forget(`${change.object.metadata.namespace}/${change.object.metadata.name}`);
  });
  return controller;
}
