import { Endpoints } from "../apis/core/endpoints.ts";
import { Service } from "../apis/core/service.ts";
import { Gateway } from "../apis/istio/gateway.ts";
import { keyOf } from "../apis/meta.ts";
import { Ingress } from "../apis/networking/ingress.ts";
import type { ServingConfig } from "../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../kube/controller.ts";
import { type Probe, probeGateway } from "./probe.ts";
import { listProbeTargets } from "./probe-targets.ts";
import { createProber } from "./prober.ts";
import { ingressReconciler } from "./reconcile.ts";

/** Programs Istio with Ingresses. `probe` asks the gateways' pods; over the network unless told. */
export function startIngressController(
  context: ControllerContext<ServingConfig>,
  probe: Probe = probeGateway,
): Controller {
  const { informers, clock, log, signal } = context;
  const ingresses = informers.of(Ingress);
  const services = informers.of(Service);
  const endpoints = informers.of(Endpoints);
  const gateways = informers.of(Gateway);

  const hasBackends = ({ spec }: Ingress): boolean =>
    (spec.rules ?? []).some(({ http }) =>
      http.paths.some(({ splits }) =>
        splits.some(({ serviceName, serviceNamespace }) => {
          const found = endpoints.get({ name: serviceName, namespace: serviceNamespace });
          // A Service that only points elsewhere, such as a placeholder, has no Endpoints and counts as alive.
          return !found || (found.subsets ?? []).some(({ addresses = [] }) => addresses.length > 0);
        }),
      ),
    );

  const prober = createProber({
    targetsOf: (ingress) =>
      listProbeTargets(ingress, context.config.current().istio, { gateways, services, endpoints }),
    hasBackends,
    probe,
    onProven: (key) => controller.enqueue(key),
    clock,
    log,
    signal,
  });
  ingresses.onChange((change) => {
    if (change.type === "deleted") prober.forget(keyOf(change.object));
  });

  const deps = ingressReconciler.deps(context, prober);
  const controller = startController(context, {
    ...ingressReconciler,
    name: "istio-ingress-controller",
    deps,
    watches: [watching(deps.virtualServices, ownedBy(Ingress)), watching(deps.gateways, ownedBy(Ingress))],
  });
  return controller;
}
