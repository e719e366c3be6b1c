import { Configuration } from "../../apis/serving/configuration.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import { configurationReconciler } from "./reconcile.ts";

/** Starts the controller that makes Revisions out of Configurations. */
export function startConfigurationController(context: ControllerContext<ServingConfig>): Controller {
  const deps = configurationReconciler.deps(context);
  return startController(context, {
    ...configurationReconciler,
    name: "configuration-controller",
    deps,
    watches: [watching(deps.revisions, ownedBy(Configuration))],
  });
}
