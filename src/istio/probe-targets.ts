import type { Endpoints } from "../apis/core/endpoints.ts";
import type { Service, ServicePort } from "../apis/core/service.ts";
import type { Gateway, GatewayServer } from "../apis/istio/gateway.ts";
import { expandHosts } from "../apis/networking/hosts.ts";
import type { Ingress } from "../apis/networking/ingress.ts";
import type { IstioConfig, IstioGateway } from "../config/istio.ts";
import type { Lister } from "../kube/api.ts";
import { gatewaysFor, serviceOf, type Visibility } from "./gateways.ts";

/** One port of one gateway pod, and the host to ask it for. */
export interface ProbeTarget {
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly address: string;
  readonly port: number;
}

/** What finding the gateways' pods takes. */
export interface TargetSources {
  readonly gateways: Pick<Lister<Gateway>, "get">;
  readonly services: Pick<Lister<Service>, "list" | "get">;
  readonly endpoints: Pick<Lister<Endpoints>, "get">;
}

const visibilities: readonly Visibility[] = ["ClusterLocal", "ExternalIP"];

/**
 * Every port of every pod of the gateways that carry an Ingress, with one host each: all hosts of a gateway come with
 * the same VirtualService, so one speaks for all. Throws where a configured Gateway is missing.
 *
 * The upstream lister knows a gateway's ports by the first Service that carries its selector as labels, and so finds
 * no pod behind a gateway whose port only another Service opens, such as the cluster-local one. Here every Service in
 * front of the gateway counts. Source: net-istio v0.42.1 pkg/reconciler/ingress/lister.go.
 */
export function listProbeTargets(ingress: Ingress, config: IstioConfig, sources: TargetSources): ProbeTarget[] {
  const carrying = gatewaysFor(ingress, config);
  const targets = new Map<string, ProbeTarget>();
  for (const visibility of visibilities) {
    const host = firstHost(ingress, visibility);
    if (host === undefined) continue;
    for (const gateway of carrying[visibility]) {
      for (const target of targetsOfGateway(gateway, host, sources)) targets.set(JSON.stringify(target), target);
    }
  }
  return [...targets.values()];
}

function firstHost(ingress: Ingress, visibility: Visibility): string | undefined {
  const rules = (ingress.spec.rules ?? []).filter((rule) => (rule.visibility ?? "ExternalIP") === visibility);
  return expandHosts(rules.flatMap(({ hosts = [] }) => hosts))[0];
}

function targetsOfGateway(configured: IstioGateway, host: string, sources: TargetSources): ProbeTarget[] {
  const { namespace, name } = configured;
  const gateway = sources.gateways.get({ namespace, name });
  if (!gateway) throw new Error(`failed to get Gateway "${namespace}/${name}": it does not exist`);
  const candidates = servicesBefore(configured, gateway, sources);
  return (gateway.spec.servers ?? []).flatMap((server) => {
    const scheme = schemeOf(server);
    return scheme ? podsBehind(server, candidates, sources).map((pod) => ({ scheme, host, ...pod })) : [];
  });
}

/** The Services that lead to a gateway's pods: those labelled like it, the configured one, those that select its pods. */
function servicesBefore(configured: IstioGateway, gateway: Gateway, { services }: TargetSources): Service[] {
  const selector = gateway.spec.selector ?? {};
  const own = services.get(serviceOf(configured));
  const selects = ({ spec }: Service) => {
    const wanted = Object.entries(spec.selector ?? {});
    return wanted.length > 0 && wanted.every(([key, value]) => selector[key] === value);
  };
  return [
    ...new Set([...services.list({ labels: selector }), ...(own ? [own] : []), ...services.list().filter(selects)]),
  ];
}

function schemeOf({ port, tls }: GatewayServer): "http" | "https" | undefined {
  if (port.protocol === "HTTP" || port.protocol === "HTTP2") return tls?.httpsRedirect ? undefined : "http";
  return port.protocol === "HTTPS" && tls?.mode !== "MUTUAL" ? "https" : undefined;
}

function podsBehind(
  { port }: GatewayServer,
  services: readonly Service[],
  { endpoints }: TargetSources,
): { address: string; port: number }[] {
  const opens: ((candidate: ServicePort) => boolean)[] = [
    (candidate) => candidate.port === port.number,
    (candidate) => candidate.targetPort === port.number,
  ];
  for (const isOpen of opens) {
    for (const service of services) {
      const open = service.spec.ports?.find(isOpen);
      const found = open && endpoints.get({ name: service.metadata.name, namespace: service.metadata.namespace! });
      const pods = (found?.subsets ?? []).flatMap(({ addresses = [], ports = [] }) => {
        const podPort = ports.find(({ name = "" }) => name === (open?.name ?? ""));
        return podPort ? addresses.map(({ ip }) => ({ address: ip, port: podPort.port })) : [];
      });
      if (pods.length > 0) return pods;
    }
  }
  return [];
}
