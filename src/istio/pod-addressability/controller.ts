import { ServerlessService } from "../../apis/networking/serverlessservice.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import { podAddressabilityReconciler } from "./reconcile.ts";

/** Makes the pods of revisions addressable in a mesh. */
export function startPodAddressabilityController(context: ControllerContext<ServingConfig>): Controller {
  const deps = podAddressabilityReconciler.deps(context);
  return startController(context, {
    ...podAddressabilityReconciler,
    name: "istio-serverlessservice-controller",
    deps,
    watches: [
      watching(deps.virtualServices, ownedBy(ServerlessService)),
      watching(deps.destinationRules, ownedBy(ServerlessService)),
    ],
  });
}
