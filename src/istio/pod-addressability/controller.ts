import { DestinationRule } from "../../apis/istio/destinationrule.ts";
import { VirtualService } from "../../apis/istio/virtualservice.ts";
import { ServerlessService } from "../../apis/networking/serverlessservice.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import { reconcilePodAddressability } from "./reconcile.ts";

/** Makes the pods of revisions addressable in a mesh. */
export function startPodAddressabilityController(context: ControllerContext<ServingConfig>): Controller {
  const { client, informers } = context;
  const virtualServices = informers.of(VirtualService);
  const destinationRules = informers.of(DestinationRule);
  return startController(context, {
    name: "istio-serverlessservice-controller",
    kind: ServerlessService,
    reconcile: reconcilePodAddressability,
    deps: {
      virtualServices,
      virtualServiceClient: client.of(VirtualService),
      destinationRules,
      destinationRuleClient: client.of(DestinationRule),
    },
    watches: [
      watching(virtualServices, ownedBy(ServerlessService)),
      watching(destinationRules, ownedBy(ServerlessService)),
    ],
  });
}
