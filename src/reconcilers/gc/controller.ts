import { Configuration } from "../../apis/serving/configuration.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import { gcReconciler } from "./reconcile.ts";

/** Starts the controller that deletes Revisions nobody needs any more. It never writes a Configuration's status. */
export function startGcController(context: ControllerContext<ServingConfig>): Controller {
  const deps = gcReconciler.deps(context);
  return startController(context, {
    ...gcReconciler,
    name: "revision-gc-controller",
    deps,
    watches: [watching(deps.revisions, ownedBy(Configuration))],
  });
}
