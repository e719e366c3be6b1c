import { Configuration } from "../../apis/serving/configuration.ts";
import { Revision } from "../../apis/serving/revision.ts";
import { Route } from "../../apis/serving/route.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, startController, watching } from "../../kube/controller.ts";
import { createTracker } from "../../kube/tracker.ts";
import {
  byRoute,
  finalizeRouteMarks,
  type LabelerDeps,
  leavesMarks,
  reconcileRouteMarks,
  routeKeysOf,
} from "./reconcile.ts";

/** Starts the controller that marks what Routes refer to. It never writes a Route's status. */
export function startLabelerController(context: ControllerContext<ServingConfig>): Controller {
  const { client, informers } = context;
  const revisions = informers.of(Revision);
  const configurations = informers.of(Configuration);
  revisions.addIndex(byRoute, routeKeysOf);
  configurations.addIndex(byRoute, routeKeysOf);
  const tracker = createTracker();
  return startController<Route, LabelerDeps, ServingConfig>(context, {
    name: "labeler-controller",
    kind: Route,
    deps: {
      revisions,
      configurations,
      writeRevisions: client.of(Revision),
      writeConfigurations: client.of(Configuration),
      tracker,
    },
    reconcile: reconcileRouteMarks,
    finalizer: { name: "routes.serving.knative.dev", isNeeded: leavesMarks, finalize: finalizeRouteMarks },
    watches: [watching(revisions, tracker.keysOf), watching(configurations, tracker.keysOf)],
  });
}
