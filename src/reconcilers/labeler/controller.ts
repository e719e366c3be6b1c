import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, startController, watching } from "../../kube/controller.ts";
import { labelerReconciler } from "./reconcile.ts";

/** Starts the controller that marks what Routes refer to. It never writes a Route's status. */
export function startLabelerController(context: ControllerContext<ServingConfig>): Controller {
  const deps = labelerReconciler.deps(context);
  const { revisions, configurations, tracker } = deps;
  return startController(context, {
    ...labelerReconciler,
    name: "labeler-controller",
    deps,
    watches: [watching(revisions, tracker.keysOf), watching(configurations, tracker.keysOf)],
  });
}
