import type { HTTPMatchRequest, HTTPRoute, VirtualService } from "../apis/istio/virtualservice.ts";
import { controllerReference } from "../apis/meta.ts";
import { expandHosts, sortBytes } from "../apis/networking/hosts.ts";
import type { Ingress, IngressPath } from "../apis/networking/ingress.ts";
import { insertProbe } from "../apis/networking/ingress-hash.ts";
import { ingressLabel } from "../apis/networking/labels.ts";
import { routeLabel, routeNamespaceLabel } from "../apis/serving/labels.ts";
import { childName } from "../lib/child-name.ts";
import { clusterDomain, serviceHostname } from "../lib/cluster-domain.ts";

/** The gateways ("namespace/name") that carry what is seen from outside, and from inside the cluster. */
export interface GatewayNames {
  readonly ExternalIP: readonly string[];
  readonly ClusterLocal: readonly string[];
}

type Headers = NonNullable<HTTPRoute["headers"]>;

const mesh: GatewayNames = { ExternalIP: ["mesh"], ClusterLocal: ["mesh"] };

/**
 * The VirtualServices of an Ingress: `<name>-mesh` for sidecars, where it has hosts of the cluster, and
 * `<name>-ingress` for gateways. Source: net-istio v0.42.1 pkg/reconciler/ingress/resources.
 */
export function makeVirtualServices(ingress: Ingress, gateways: GatewayNames): VirtualService[] {
  const probed = insertProbe(ingress);
  const { rules = [] } = ingress.spec;
  const hosts = new Set(rules.flatMap((rule) => rule.hosts ?? []));
  const localHosts = sortBytes(hosts).filter((host) => host.endsWith(`.svc.${clusterDomain}`));
  return [
    ...(localHosts.length > 0 ? [makeVirtualService(probed, "mesh", expandHosts(localHosts), mesh)] : []),
    ...(rules.length > 0 ? [makeVirtualService(probed, "ingress", expandHosts(hosts), gateways)] : []),
  ];
}

function makeVirtualService(
  ingress: Ingress,
  suffix: "mesh" | "ingress",
  hosts: readonly string[],
  gateways: GatewayNames,
): VirtualService {
  const { name, namespace, labels = {}, annotations } = ingress.metadata;
  const http = makeRoutes(ingress, hosts, gateways);
  const kept = Object.entries(labels).filter(([key]) => key === routeLabel || key === routeNamespaceLabel);
  return {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "VirtualService",
    metadata: {
      name: childName(name, `-${suffix}`),
      namespace: namespace!,
      ownerReferences: [controllerReference(ingress)],
      labels: { ...Object.fromEntries(kept), [ingressLabel]: name },
      ...(annotations && { annotations: { ...annotations } }),
    },
    spec: {
      hosts: [...hosts],
      gateways: sortBytes(new Set(http.flatMap(({ match = [] }) => match.flatMap((one) => one.gateways ?? [])))),
      http,
    },
  };
}

function makeRoutes(ingress: Ingress, hosts: readonly string[], gateways: GatewayNames): HTTPRoute[] {
  return (ingress.spec.rules ?? []).flatMap((rule) => {
    const ruleHosts = hosts.filter((host) => rule.hosts?.includes(host));
    if (ruleHosts.length === 0) return [];
    return rule.http.paths.map((path) => makeRoute(path, ruleHosts, gateways[rule.visibility ?? "ExternalIP"]));
  });
}

function makeRoute(path: IngressPath, hosts: readonly string[], gateways: readonly string[]): HTTPRoute {
  return {
    match: distinctPrefixes(hosts).map((prefix) => makeMatch(prefix, path, gateways)),
    route: path.splits.map(({ serviceName, serviceNamespace, servicePort, percent, appendHeaders }) => ({
      destination: {
        host: serviceHostname(serviceName, serviceNamespace),
        port: { number: Number(servicePort) },
      },
      ...(percent && { weight: percent }),
      ...setting(appendHeaders),
    })),
    // Present and empty: without it Istio sends a failed request twice more.
    retries: {},
    ...(path.rewriteHost && { rewrite: { authority: path.rewriteHost } }),
    ...setting(path.appendHeaders),
  };
}

function makeMatch(prefix: string, { path, headers }: IngressPath, gateways: readonly string[]): HTTPMatchRequest {
  const exact = Object.entries(headers ?? {}).map(([name, value]) => [name, { exact: value.exact }]);
  return {
    gateways: sortBytes(gateways),
    // A prefix, since the host may come with a port.
    authority: { prefix },
    ...(path && { uri: { prefix: path } }),
    ...(exact.length > 0 && { headers: Object.fromEntries(exact) }),
  };
}

/** Prefixes that fit all the hosts; of two where one begins like the other, the shorter will do. */
function distinctPrefixes(hosts: readonly string[]): string[] {
  const suffix = `.svc.${clusterDomain}`;
  const distinct: string[] = [];
  for (const host of sortBytes(hosts)) {
    const prefix = host.endsWith(suffix) ? host.slice(0, -suffix.length) : host;
    if (!distinct.some((shorter) => prefix.startsWith(shorter))) distinct.push(prefix);
  }
  return sortBytes(distinct);
}

function setting(headers: Readonly<Record<string, string>> | undefined): { headers?: Headers } {
  if (!headers || Object.keys(headers).length === 0) return {};
  return { headers: { request: { set: { ...headers } } } };
}
