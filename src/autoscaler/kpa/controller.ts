import { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import { revisionLabel } from "../../apis/serving/labels.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import type { MultiScaler } from "../multi-scaler.ts";
import { type Deps, kpaClassReconciler } from "./reconcile.ts";

/** Starts the controller of PodAutoscalers of class kpa: deciders tell it when the advice for a key changes. */
export function startKpaController(
  context: ControllerContext<ServingConfig>,
  multiScaler: MultiScaler,
  observe: Deps["observe"],
): Controller {
  const deps = kpaClassReconciler.deps(context, { multiScaler, observe });
  const controller = startController(context, {
    ...kpaClassReconciler,
    name: "kpa-class-podautoscaler",
    deps,
    watches: [
      watching(deps.serverlessServices, ownedBy(PodAutoscaler)),
      watching(deps.metrics, ownedBy(PodAutoscaler)),
      watching(deps.pods, (pod) => [`${pod.metadata.namespace}/${pod.metadata.labels?.[revisionLabel]}`]),
    ],
  });
  multiScaler.onAdvice((key) => controller.enqueue(key));
  context.informers.of(PodAutoscaler).onChange((change) => {
    if (change.type === "deleted")
      multiScaler.forget(`${change.object.metadata.namespace}/${change.object.metadata.name}`);
  });
  return controller;
}
