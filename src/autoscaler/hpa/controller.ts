import { hpaClass } from "../../apis/autoscaling/labels.ts";
import { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import { HorizontalPodAutoscaler } from "../../apis/core/horizontalpodautoscaler.ts";
import { ServerlessService } from "../../apis/networking/serverlessservice.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import { autoscalerClass } from "../settings.ts";
import { type Deps, reconcileHpaClass } from "./reconcile.ts";

/** Starts the controller of PodAutoscalers of class hpa. */
export function startHpaController(context: ControllerContext<ServingConfig>): Controller {
  const { client, informers } = context;
  const serverlessServices = informers.of(ServerlessService);
  const horizontalPodAutoscalers = informers.of(HorizontalPodAutoscaler);
  return startController<PodAutoscaler, Deps, ServingConfig>(context, {
    name: "hpa-class-podautoscaler",
    kind: PodAutoscaler,
    filter: (pa) => autoscalerClass(pa) === hpaClass,
    deps: {
      serverlessServices,
      serverlessServiceClient: client.of(ServerlessService),
      horizontalPodAutoscalers,
      horizontalPodAutoscalerClient: client.of(HorizontalPodAutoscaler),
    },
    reconcile: reconcileHpaClass,
    watches: [
      watching(serverlessServices, ownedBy(PodAutoscaler)),
      watching(horizontalPodAutoscalers, ownedBy(PodAutoscaler)),
    ],
  });
}
