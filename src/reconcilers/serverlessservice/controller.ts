import type { Deployment } from "../../apis/core/deployment.ts";
import type { Endpoints } from "../../apis/core/endpoints.ts";
import { keyOf } from "../../apis/meta.ts";
import { serverlessServiceLabel, serviceTypeLabel } from "../../apis/networking/labels.ts";
import { ServerlessService } from "../../apis/networking/serverlessservice.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import { serverlessServiceReconciler } from "./reconcile.ts";

/** Keeps the Services of revisions. */
export function startServerlessServiceController(context: ControllerContext<ServingConfig>): Controller {
  const deps = serverlessServiceReconciler.deps(context);
  const { deployments, services, endpoints, activator } = deps;
  const serverlessServices = context.informers.of(ServerlessService);

  /** The private Endpoints of a revision concern it, the activator's concern all. */
  const keysOfEndpoints = ({ metadata }: Endpoints): readonly string[] => {
    if (keyOf({ metadata }) === keyOf({ metadata: activator })) return serverlessServices.list().map(keyOf);
    const name = metadata.labels?.[serverlessServiceLabel];
    if (!name || metadata.labels?.[serviceTypeLabel] !== "Private") return [];
    return [keyOf({ metadata: { ...metadata, name } })];
  };
  const keysOfDeployment = ({ metadata }: Deployment): readonly string[] =>
    serverlessServices.byIndex("deployment", keyOf({ metadata })).map(keyOf);
  serverlessServices.addIndex("deployment", ({ metadata, spec }) => [
    keyOf({ metadata: { ...metadata, name: spec.objectRef.name ?? "" } }),
  ]);

  return startController(context, {
    ...serverlessServiceReconciler,
    name: "serverlessservice-controller",
    deps,
    watches: [
      watching(services, ownedBy(ServerlessService)),
      watching(endpoints, keysOfEndpoints),
      watching(deployments, keysOfDeployment),
    ],
  });
}
