import { Route } from "../../apis/serving/route.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import { routeReconciler } from "./reconcile.ts";

/** Realises routes. */
export function startRouteController(context: ControllerContext<ServingConfig>): Controller {
  const deps = routeReconciler.deps(context);
  return startController(context, {
    ...routeReconciler,
    name: "route-controller",
    deps,
    watches: [
      watching(deps.services, ownedBy(Route)),
      watching(deps.certificates, ownedBy(Route)),
      watching(deps.ingresses, ownedBy(Route)),
      watching(deps.configurations, deps.tracker.keysOf),
      watching(deps.revisions, deps.tracker.keysOf),
      watching(deps.endpoints, deps.tracker.keysOf),
    ],
  });
}
