import type { Ingress, IngressTLS } from "../apis/networking/ingress.ts";
import type { IstioConfig, IstioGateway } from "../config/istio.ts";
import { matchesSelector } from "../lib/label-selector.ts";

export type Visibility = "ExternalIP" | "ClusterLocal";

/** The configured gateways that carry an Ingress. */
export interface CarryingGateways {
  readonly ExternalIP: readonly IstioGateway[];
  readonly ClusterLocal: readonly IstioGateway[];
}

/** Which gateways carry an Ingress: those whose selector fits its labels, else those without a selector. */
export function gatewaysFor(ingress: Ingress, config: IstioConfig): CarryingGateways {
  const choose = (gateways: readonly IstioGateway[]) => {
    const selected = gateways.filter(
      ({ labelSelector }) => labelSelector && matchesSelector(labelSelector, ingress.metadata.labels ?? {}),
    );
    return selected.length > 0 ? selected : gateways.filter(({ labelSelector }) => !labelSelector);
  };
  return { ExternalIP: choose(config.ingressGateways), ClusterLocal: choose(config.localGateways) };
}

/** The Kubernetes Service before a gateway's pods, from its host name. Throws where that has no two dots. */
export function serviceOf(gateway: IstioGateway): { readonly name: string; readonly namespace: string } {
  const [name, namespace, rest] = gateway.serviceURL.split(".");
  if (!name || !namespace || rest === undefined) throw new Error(`unexpected service URL form: ${gateway.serviceURL}`);
  return { name, namespace };
}

export function isPublic(ingress: Ingress): boolean {
  return (ingress.spec.rules ?? []).some(({ visibility }) => (visibility ?? "ExternalIP") === "ExternalIP");
}

/** The certificates for rules of this visibility: those that name all hosts of the rule. */
export function tlsFor(ingress: Ingress, visibility: Visibility): IngressTLS[] {
  const { tls = [], rules = [] } = ingress.spec;
  const chosen: IngressTLS[] = [];
  for (const { hosts = [], ...rule } of rules) {
    if ((rule.visibility ?? "ExternalIP") !== visibility) continue;
    if (hosts.length === 0) return chosen;
    chosen.push(...tls.filter((entry) => hosts.every((host) => entry.hosts?.includes(host))));
  }
  return chosen;
}

/** The hosts that can be reached from outside, in order. */
export function publicHosts(ingress: Ingress): string[] {
  const hosts = (ingress.spec.rules ?? [])
    .filter(({ visibility }) => (visibility ?? "ExternalIP") === "ExternalIP")
    .flatMap((rule) => rule.hosts ?? []);
  return [...new Set(hosts)].sort();
}
