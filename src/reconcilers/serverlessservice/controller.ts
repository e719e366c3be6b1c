import { Deployment } from "../../apis/core/deployment.ts";
import { Endpoints } from "../../apis/core/endpoints.ts";
import { Service } from "../../apis/core/service.ts";
import { keyOf } from "../../apis/meta.ts";
import { serverlessServiceLabel, serviceTypeLabel } from "../../apis/networking/labels.ts";
import { ServerlessService } from "../../apis/networking/serverlessservice.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import { reconcileServerlessService } from "./reconcile.ts";

const activator = { namespace: "knative-serving", name: "activator-service" };

/** Keeps the Services of revisions. */
export function startServerlessServiceController(context: ControllerContext<ServingConfig>): Controller {
  const { client, informers } = context;
  const serverlessServices = informers.of(ServerlessService);
  const deployments = informers.of(Deployment);
  const services = informers.of(Service);
  const endpoints = informers.of(Endpoints);

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
    name: "serverlessservice-controller",
    kind: ServerlessService,
    reconcile: reconcileServerlessService,
    deps: {
      deployments,
      services,
      serviceClient: client.of(Service),
      endpoints,
      endpointsClient: client.of(Endpoints),
      activator,
    },
    watches: [
      watching(services, ownedBy(ServerlessService)),
      watching(endpoints, keysOfEndpoints),
      watching(deployments, keysOfDeployment),
    ],
  });
}
