import { Endpoints } from "../../apis/core/endpoints.ts";
import { Service } from "../../apis/core/service.ts";
import { Certificate } from "../../apis/networking/certificate.ts";
import { Ingress } from "../../apis/networking/ingress.ts";
import { Configuration } from "../../apis/serving/configuration.ts";
import { Revision } from "../../apis/serving/revision.ts";
import { Route } from "../../apis/serving/route.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import { createTracker } from "../../kube/tracker.ts";
import { reconcileRoute } from "./reconcile.ts";

/** Realises routes. */
export function startRouteController(context: ControllerContext<ServingConfig>): Controller {
  const { client, informers } = context;
  const services = informers.of(Service);
  const endpoints = informers.of(Endpoints);
  const ingresses = informers.of(Ingress);
  const certificates = informers.of(Certificate);
  const configurations = informers.of(Configuration);
  const revisions = informers.of(Revision);
  const tracker = createTracker();

  return startController(context, {
    name: "route-controller",
    kind: Route,
    reconcile: reconcileRoute,
    deps: {
      configurations,
      revisions,
      services,
      serviceClient: client.of(Service),
      endpoints,
      endpointsClient: client.of(Endpoints),
      ingresses,
      ingressClient: client.of(Ingress),
      certificates,
      certificateClient: client.of(Certificate),
      tracker,
    },
    watches: [
      watching(services, ownedBy(Route)),
      watching(certificates, ownedBy(Route)),
      watching(ingresses, ownedBy(Route)),
      watching(configurations, tracker.keysOf),
      watching(revisions, tracker.keysOf),
      watching(endpoints, tracker.keysOf),
    ],
  });
}
