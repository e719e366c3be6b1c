import { Deployment } from "../../apis/core/deployment.ts";
import { Endpoints } from "../../apis/core/endpoints.ts";
import { Service } from "../../apis/core/service.ts";
import { Certificate } from "../../apis/networking/certificate.ts";
import { ClusterDomainClaim } from "../../apis/networking/clusterdomainclaim.ts";
import { Ingress } from "../../apis/networking/ingress.ts";
import { ServerlessService } from "../../apis/networking/serverlessservice.ts";
import { Configuration } from "../../apis/serving/configuration.ts";
import { DomainMapping } from "../../apis/serving/domainmapping.ts";
import { Revision } from "../../apis/serving/revision.ts";
import { Route } from "../../apis/serving/route.ts";
import { KnativeService } from "../../apis/serving/service.ts";
import { createTracker } from "../../kube/tracker.ts";
import {
  finalizeDomainMapping,
  type Deps as MappingDeps,
  reconcileDomainMapping,
} from "../../reconcilers/domainmapping/reconcile.ts";
import { type Deps as RouteDeps, reconcileRoute } from "../../reconcilers/route/reconcile.ts";
import {
  reconcileServerlessService,
  type Deps as ServicesDeps,
} from "../../reconcilers/serverlessservice/reconcile.ts";
import type { ControllerRow } from "./reconcile.ts";

export const routeRow: ControllerRow<Route, RouteDeps> = {
  kind: Route,
  reconcile: reconcileRoute,
  deps: ({ client, informers }) => ({
    configurations: informers.of(Configuration),
    revisions: informers.of(Revision),
    services: informers.of(Service),
    serviceClient: client.of(Service),
    endpoints: informers.of(Endpoints),
    endpointsClient: client.of(Endpoints),
    ingresses: informers.of(Ingress),
    ingressClient: client.of(Ingress),
    certificates: informers.of(Certificate),
    certificateClient: client.of(Certificate),
    tracker: createTracker(),
  }),
};

export const serverlessServiceRow: ControllerRow<ServerlessService, ServicesDeps> = {
  kind: ServerlessService,
  reconcile: reconcileServerlessService,
  deps: ({ client, informers }) => ({
    deployments: informers.of(Deployment),
    services: informers.of(Service),
    serviceClient: client.of(Service),
    endpoints: informers.of(Endpoints),
    endpointsClient: client.of(Endpoints),
    activator: { namespace: "knative-serving", name: "activator-service" },
  }),
};

export const domainMappingRow: ControllerRow<DomainMapping, MappingDeps> = {
  kind: DomainMapping,
  reconcile: reconcileDomainMapping,
  finalizer: { name: "domainmappings.serving.knative.dev", finalize: finalizeDomainMapping },
  deps: ({ client, informers }) => ({
    services: informers.of(Service),
    knativeServices: informers.of(KnativeService),
    routes: informers.of(Route),
    client,
    ingresses: informers.of(Ingress),
    ingressClient: client.of(Ingress),
    certificates: informers.of(Certificate),
    certificateClient: client.of(Certificate),
    claims: informers.of(ClusterDomainClaim),
    claimClient: client.of(ClusterDomainClaim),
  }),
};
