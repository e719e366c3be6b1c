import { keyOf } from "../../apis/meta.ts";
import type { ClusterDomainClaim } from "../../apis/networking/clusterdomainclaim.ts";
import type { Ingress } from "../../apis/networking/ingress.ts";
import { DomainMapping } from "../../apis/serving/domainmapping.ts";
import { routeLabel } from "../../apis/serving/labels.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import { createInformers } from "../../kube/informer.ts";
import { watchCustomTargets } from "./custom-targets.ts";
import { domainMappingReconciler } from "./reconcile.ts";

/** Leads domain names to Services. */
export function startDomainMappingController(context: ControllerContext<ServingConfig>): Controller {
  const deps = domainMappingReconciler.deps(context);
  const mappings = context.informers.of(DomainMapping);
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

  const { client, clock, log, signal } = context;
  const startInformers = (ended: AbortSignal) =>
    createInformers({ client, clock, log, signal: AbortSignal.any([signal, ended]) });

  return startController(context, {
    ...domainMappingReconciler,
    name: "domainmapping-controller",
    deps,
    watches: [
      watching(deps.certificates, ownedBy(DomainMapping)),
      watching(deps.ingresses, ownedBy(DomainMapping)),
      watching(deps.ingresses, mappingsToRouteOf),
      watching(deps.services, mappingsTo),
      watching(deps.knativeServices, mappingsTo),
      watching(deps.routes, mappingsTo),
      watching(deps.claims, mappingsOfDomain),
      watchCustomTargets(mappings, startInformers),
    ],
  });
}
