import { KnativeService } from "../../apis/serving/service.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import { serviceReconciler } from "./reconcile.ts";

/** Starts the controller that makes Configurations and Routes out of Services. */
export function startServiceController(context: ControllerContext<ServingConfig>): Controller {
  const deps = serviceReconciler.deps(context);
  return startController(context, {
    ...serviceReconciler,
    name: "service-controller",
    deps,
    watches: [watching(deps.configurations, ownedBy(KnativeService)), watching(deps.routes, ownedBy(KnativeService))],
  });
}
