import { Configuration } from "../../apis/serving/configuration.ts";
import { Revision } from "../../apis/serving/revision.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import { indexRevisions } from "../revisions-of.ts";
import { type GcDeps, reconcileGc } from "./reconcile.ts";

/** Starts the controller that deletes Revisions nobody needs any more. It never writes a Configuration's status. */
export function startGcController(context: ControllerContext<ServingConfig>): Controller {
  const revisions = indexRevisions(context.informers.of(Revision));
  return startController<Configuration, GcDeps, ServingConfig>(context, {
    name: "revision-gc-controller",
    kind: Configuration,
    deps: { revisions, writeRevisions: context.client.of(Revision) },
    reconcile: reconcileGc,
    watches: [watching(revisions, ownedBy(Configuration))],
  });
}
