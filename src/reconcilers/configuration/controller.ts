import { Configuration } from "../../apis/serving/configuration.ts";
import { Revision } from "../../apis/serving/revision.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import { indexRevisions } from "../revisions-of.ts";
import { type ConfigurationDeps, reconcileConfiguration } from "./reconcile.ts";

/** Starts the controller that makes Revisions out of Configurations. */
export function startConfigurationController(context: ControllerContext<ServingConfig>): Controller {
  const revisions = indexRevisions(context.informers.of(Revision));
  return startController<Configuration, ConfigurationDeps, ServingConfig>(context, {
    name: "configuration-controller",
    kind: Configuration,
    deps: { revisions, writeRevisions: context.client.of(Revision) },
    reconcile: reconcileConfiguration,
    watches: [watching(revisions, ownedBy(Configuration))],
  });
}
