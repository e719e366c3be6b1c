import { Configuration } from "../../apis/serving/configuration.ts";
import { Revision } from "../../apis/serving/revision.ts";
import { Route } from "../../apis/serving/route.ts";
import { KnativeService } from "../../apis/serving/service.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import { reconcileService, type ServiceDeps } from "./reconcile.ts";

/** Starts the controller that makes Configurations and Routes out of Services. */
export function startServiceController(context: ControllerContext<ServingConfig>): Controller {
  const { client, informers } = context;
  const configurations = informers.of(Configuration);
  const routes = informers.of(Route);
  return startController<KnativeService, ServiceDeps, ServingConfig>(context, {
    name: "service-controller",
    kind: KnativeService,
    deps: {
      configurations,
      routes,
      revisions: informers.of(Revision),
      writeConfigurations: client.of(Configuration),
      writeRoutes: client.of(Route),
    },
    reconcile: reconcileService,
    watches: [watching(configurations, ownedBy(KnativeService)), watching(routes, ownedBy(KnativeService))],
  });
}
