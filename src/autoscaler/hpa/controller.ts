import { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import { hpaClassReconciler } from "./reconcile.ts";

/** Starts the controller of PodAutoscalers of class hpa. */
export function startHpaController(context: ControllerContext<ServingConfig>): Controller {
  const deps = hpaClassReconciler.deps(context);
  return startController(context, {
    ...hpaClassReconciler,
    name: "hpa-class-podautoscaler",
    deps,
    watches: [
      watching(deps.serverlessServices, ownedBy(PodAutoscaler)),
      watching(deps.horizontalPodAutoscalers, ownedBy(PodAutoscaler)),
    ],
  });
}
