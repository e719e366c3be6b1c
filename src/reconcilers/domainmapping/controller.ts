import { Service } from "../../apis/core/service.ts";
import { keyOf } from "../../apis/meta.ts";
import { Certificate } from "../../apis/networking/certificate.ts";
import { ClusterDomainClaim } from "../../apis/networking/clusterdomainclaim.ts";
import { Ingress } from "../../apis/networking/ingress.ts";
import { DomainMapping } from "../../apis/serving/domainmapping.ts";
import { routeLabel } from "../../apis/serving/labels.ts";
import { Route } from "../../apis/serving/route.ts";
import { KnativeService } from "../../apis/serving/service.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import { finalizeDomainMapping, reconcileDomainMapping } from "./reconcile.ts";

/** Leads domain names to Services. */
export function startDomainMappingController(context: ControllerContext<ServingConfig>): Controller {
  const { client, informers } = context;
  const mappings = informers.of(DomainMapping);
  const services = informers.of(Service);
  const knativeServices = informers.of(KnativeService);
  const routes = informers.of(Route);
  const ingresses = informers.of(Ingress);
  const certificates = informers.of(Certificate);
  const claims = informers.of(ClusterDomainClaim);

  mappings.addIndex("target", ({ metadata, spec }) => [keyOf({ metadata: { ...metadata, name: spec.ref.name } })]);
  const mappingsTo = (object: { metadata: { name: string; namespace?: string } }) =>
    mappings.byIndex("target", keyOf(object)).map(keyOf);
  const mappingsToRouteOf = ({ metadata }: Ingress) => {
    const route = metadata.labels?.[routeLabel];
    return route === undefined ? [] : mappingsTo({ metadata: { ...metadata, name: route } });
  };
  const mappingsOfDomain = ({ metadata }: ClusterDomainClaim) =>
    mappings
      .list()
      .filter((mapping) => mapping.metadata.name === metadata.name)
      .map(keyOf);

  return startController(context, {
    name: "domainmapping-controller",
    kind: DomainMapping,
    reconcile: reconcileDomainMapping,
    finalizer: { name: "domainmappings.serving.knative.dev", finalize: finalizeDomainMapping },
    deps: {
      services,
      knativeServices,
      routes,
      client,
      ingresses,
      ingressClient: client.of(Ingress),
      certificates,
      certificateClient: client.of(Certificate),
      claims,
      claimClient: client.of(ClusterDomainClaim),
    },
    watches: [
      watching(certificates, ownedBy(DomainMapping)),
      watching(ingresses, ownedBy(DomainMapping)),
      watching(ingresses, mappingsToRouteOf),
      watching(services, mappingsTo),
      watching(knativeServices, mappingsTo),
      watching(routes, mappingsTo),
      watching(claims, mappingsOfDomain),
    ],
  });
}
