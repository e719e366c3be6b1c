import { type ConditionDraft, conditionSet, isTrue } from "../apis/conditions.ts";
import { Secret } from "../apis/core/secret.ts";
import { Service } from "../apis/core/service.ts";
import { Gateway } from "../apis/istio/gateway.ts";
import { VirtualService } from "../apis/istio/virtualservice.ts";
import { controllerOf, isControlledBy } from "../apis/meta.ts";
import { Ingress } from "../apis/networking/ingress.ts";
import { ingressClassAnnotations, ingressLabel } from "../apis/networking/labels.ts";
import { draftConditions, observed, waitUnderWay } from "../apis/observed.ts";
import { type IstioGateway, qualifiedGatewayName } from "../config/istio.ts";
import type { ServingConfig } from "../config/serving-config.ts";
import type { ClusterAccess, Lister, Outcome, Pass, StatusOf, Writer } from "../kube/api.ts";
import { failed, isNotFound } from "../kube/errors.ts";
import { messageOf } from "../lib/error-message.ts";
import { applyChild, markNotOwned, NotOwnedError } from "./apply.ts";
import { makeGateway, makeHttpServer, qualifiedName } from "./gateway.ts";
import { type CarryingGateways, gatewaysFor, isPublic, publicHosts, serviceOf, tlsFor } from "./gateways.ts";
import type { Prober } from "./prober.ts";
import { applyGateway, deleteCopies, serveCertificates, type TlsDeps } from "./tls.ts";
import { type GatewayNames, makeVirtualServices } from "./virtual-service.ts";

/** What an Ingress may read, and what it may write. */
export interface Deps extends TlsDeps {
  readonly services: Lister<Service>;
  readonly virtualServices: Lister<VirtualService>;
  readonly virtualServiceClient: Writer<VirtualService>;
  readonly prober: Prober;
}

export const ingressReconciler = {
  kind: Ingress,
  filter: isForIstio,
  reconcile: reconcileIngress,
  finalizer: {
    name: "ingresses.networking.internal.knative.dev",
    isNeeded: ({ spec }: Ingress) => (spec.tls ?? []).length > 0,
    finalize: finalizeIngress,
  },
  deps: ({ client, informers }: ClusterAccess, prober: Prober) => ({
    services: informers.of(Service),
    gateways: informers.of(Gateway),
    gatewayClient: client.of(Gateway),
    virtualServices: informers.of(VirtualService),
    virtualServiceClient: client.of(VirtualService),
    secretClient: client.of(Secret),
    prober,
  }),
};

const istioIngressClass = "istio.ingress.networking.knative.dev";

/**
 * Whether an Ingress is for Istio: its class says so. One without a class is nobody's.
 * Source: knative.dev/networking, the generated reconciler of Ingress, which net-istio gives its class to.
 */
function isForIstio({ metadata }: Ingress): boolean {
  return metadata.annotations?.[ingressClassAnnotations[0]] === istioIngressClass;
}

const ingressConditions = conditionSet("Ready", "NetworkConfigured", "LoadBalancerReady");

/** Secrets are not watched one by one: so long may a renewed certificate wait. */
const certificateCheckMs = 300_000;

/**
 * Programs Istio with an Ingress and, once the gateways have shown that they serve it, says that it is ready.
 * Source: net-istio v0.42.1 pkg/reconciler/ingress.
 */
async function reconcileIngress(original: Ingress, deps: Deps, pass: Pass<ServingConfig>): Promise<Outcome<Ingress>> {
  const ingress = withDefaults(original);
  const conditions = draftConditions(ingress, ingressConditions, pass.clock);
  const status: StatusOf<Ingress> = { ...ingress.status };
  const outcome = () => ({
    status: { ...status, ...observed(ingress, conditions) },
    // Whoever made it tells people how it is.
    ...waitUnderWay(ingress, conditions, ingressConditions, { isPart: controllerOf(ingress) !== undefined }),
  });
  try {
    const carrying = gatewaysFor(ingress, pass.config.istio);
    const names = await reconcileGateways(ingress, carrying, deps, pass);
    await reconcileVirtualServices(ingress, names, conditions, deps, pass);
    conditions.markTrue("NetworkConfigured");
    if (isProven(ingress, conditions, deps)) {
      status.publicLoadBalancer = { ingress: [placeOf(carrying.ExternalIP)] };
      status.privateLoadBalancer = { ingress: [placeOf(carrying.ClusterLocal)] };
      conditions.markTrue("LoadBalancerReady");
    } else {
      conditions.markUnknown("LoadBalancerReady", "Uninitialized", "Waiting for load balancer to be ready");
    }
    return { ...outcome(), ...((ingress.spec.tls ?? []).length > 0 && { requeueAfterMs: certificateCheckMs }) };
  } catch (error) {
    conditions.markUnknown("Ready", "ReconcileIngressFailed", "Ingress reconciliation failed");
    return { ...outcome(), error };
  }
}

/** Deletes what an Ingress's deletion would leave behind: the copies of its certificates. */
async function finalizeIngress(ingress: Ingress, deps: Deps, { config, signal }: Pass<ServingConfig>): Promise<void> {
  const { ExternalIP, ClusterLocal } = gatewaysFor(ingress, config.istio);
  const namespaces = [...ExternalIP, ...ClusterLocal].map((gateway) => serviceOf(gateway).namespace);
  await deleteCopies(ingress, namespaces, deps, signal);
}

/** A ready Ingress was proven for its generation: asking again after a restart would only be a stampede. */
function isProven(ingress: Ingress, conditions: ConditionDraft, { prober }: Deps): boolean {
  const isCurrent = (ingress.status?.observedGeneration ?? 0) === (ingress.metadata.generation ?? 0);
  if (isCurrent && isTrue(conditions.get("Ready"))) return true;
  return prober.isProven(ingress);
}

/** Where the load balancer is: before the first gateway. There always is one, or the configuration is refused. */
function placeOf(gateways: readonly IstioGateway[]): { domainInternal: string } {
  return { domainInternal: gateways[0]!.serviceURL };
}

/** Sees to the Ingress's own Gateways, and names all that carry it. */
async function reconcileGateways(
  ingress: Ingress,
  carrying: CarryingGateways,
  deps: Deps,
  { config, signal }: Pass<ServingConfig>,
): Promise<GatewayNames> {
  const publicTls = tlsFor(ingress, "ExternalIP");
  const localTls = config.network.clusterLocalDomainTLS === "enabled" ? tlsFor(ingress, "ClusterLocal") : [];
  const needsHttp = isPublic(ingress) && (ingress.spec.httpOption === "Redirected" || publicTls.length > 0);
  const services =
    publicTls.length + localTls.length > 0 || needsHttp ? servicesOf(carrying.ExternalIP, deps.services) : [];

  const outside = await serveCertificates(ingress, "ExternalIP", publicTls, services, deps, signal);
  const inside = await serveCertificates(ingress, "ClusterLocal", localTls, services, deps, signal);
  const own = needsHttp ? withHttpServer(ingress, outside.own, services) : outside.own;
  for (const gateway of [...outside.shared, ...own, ...inside.own]) await applyGateway(gateway, deps, signal);
  return {
    ExternalIP: [
      ...[...outside.shared, ...own].map(qualifiedName),
      ...(needsHttp ? [] : carrying.ExternalIP.map(qualifiedGatewayName)),
    ],
    ClusterLocal: [...carrying.ClusterLocal.map(qualifiedGatewayName), ...inside.own.map(qualifiedName)],
  };
}

/** Plain HTTP of an Ingress with certificates, or with a redirect, is its own business and not the shared gateway's. */
function withHttpServer(ingress: Ingress, gateways: readonly Gateway[], services: readonly Service[]): Gateway[] {
  const server = makeHttpServer(ingress.spec.httpOption, publicHosts(ingress));
  if (!server) return [...gateways];
  if (gateways.length === 0) return services.map((service) => makeGateway(ingress, "ExternalIP", service, [server]));
  return gateways.map((gateway) => ({
    ...gateway,
    spec: { ...gateway.spec, servers: [...(gateway.spec.servers ?? []), server] },
  }));
}

function servicesOf(gateways: readonly IstioGateway[], services: Lister<Service>): Service[] {
  return gateways.map((gateway) => {
    const ref = serviceOf(gateway);
    const service = services.get(ref);
    if (!service)
      throw new Error(
        `the Service ${ref.namespace}/${ref.name} of Gateway ${qualifiedGatewayName(gateway)} does not exist`,
      );
    return service;
  });
}

async function reconcileVirtualServices(
  ingress: Ingress,
  gateways: GatewayNames,
  conditions: ConditionDraft,
  deps: Deps,
  pass: Pass<ServingConfig>,
): Promise<void> {
  const { virtualServices, virtualServiceClient } = deps;
  try {
    const wanted = makeVirtualServices(ingress, gateways);
    await Promise.all(
      wanted.map((child) =>
        applyChild(ingress, child, virtualServices, virtualServiceClient, pass).catch((error) => {
          if (error instanceof NotOwnedError) markNotOwned(conditions, "VirtualService", child.metadata.name);
          throw error;
        }),
      ),
    );
    const names = new Set(wanted.map(({ metadata }) => metadata.name));
    const namespace = ingress.metadata.namespace!;
    for (const child of virtualServices.list({ namespace, labels: { [ingressLabel]: ingress.metadata.name } })) {
      if (names.has(child.metadata.name) || !isControlledBy(child, ingress)) continue;
      await virtualServiceClient
        .delete({ namespace, name: child.metadata.name }, { signal: pass.signal })
        .catch((error) => {
          if (!isNotFound(error)) failed("failed to delete VirtualService")(error);
        });
    }
  } catch (error) {
    conditions.markFalse("LoadBalancerReady", "ReconcileVirtualServiceFailed", messageOf(error));
    throw error;
  }
}

/** The spec as admission completes it, for Ingresses that were stored without. */
function withDefaults(ingress: Ingress): Ingress {
  const rules = (ingress.spec.rules ?? []).map((rule) => ({
    ...rule,
    visibility: rule.visibility ?? ("ExternalIP" as const),
    http: {
      ...rule.http,
      paths: (rule.http?.paths ?? []).map((path) =>
        path.splits.length === 1 && !path.splits[0]!.percent
          ? { ...path, splits: [{ ...path.splits[0]!, percent: 100 }] }
          : path,
      ),
    },
  }));
  return { ...ingress, spec: { ...ingress.spec, rules } };
}
