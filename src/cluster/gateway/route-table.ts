import type { Gateway, GatewayServer } from "../../apis/istio/gateway.ts";
import type { HTTPMatchRequest, HTTPRoute, VirtualService } from "../../apis/istio/virtualservice.ts";
import { type Facts, matches } from "./match.ts";

/** What is done with a request. */
export type Decision =
  | { readonly type: "route"; readonly route: HTTPRoute; readonly match: HTTPMatchRequest | undefined }
  | { readonly type: "redirect" };

/** All routes at one moment. */
export interface RouteTable {
  /** What is done with a request that came in at this port of the gateways; undefined: nobody knows it. */
  decide(gatewayPort: number, facts: Facts): Decision | undefined;
}

interface Entry {
  readonly route: HTTPRoute;
  /** Those that hold for the gateway; none: every request fits. */
  readonly matches: readonly HTTPMatchRequest[];
}

interface VirtualHost {
  readonly entries: Entry[];
  isRedirected: boolean;
}

/**
 * Joins Gateways and VirtualServices as Istio does: a host belongs to a port when a Gateway with a server there names
 * it, or a wildcard above it, and a VirtualService for that Gateway has it. Where several have a host, the oldest
 * come first. Only HTTP is routed.
 */
export function makeRouteTable(gateways: readonly Gateway[], services: readonly VirtualService[]): RouteTable {
  const ports = new Map<number, Map<string, VirtualHost>>();
  const hostAt = (port: number, host: string): VirtualHost => {
    const hosts = ports.get(port) ?? new Map<string, VirtualHost>();
    ports.set(port, hosts);
    const found = hosts.get(host) ?? { entries: [], isRedirected: false };
    hosts.set(host, found);
    return found;
  };

  const byAge = [...services].sort((a, b) => compare(ageKey(a), ageKey(b)));
  for (const gateway of gateways) {
    for (const server of gateway.spec.servers ?? []) {
      for (const service of byAge.filter((candidate) => isBound(candidate, gateway))) {
        for (const host of hostsIn(service, server, gateway)) {
          const virtualHost = hostAt(server.port.number, host);
          if (server.tls?.httpsRedirect) virtualHost.isRedirected = true;
          else virtualHost.entries.push(...entriesOf(service, gateway));
        }
      }
    }
  }
  return {
    decide(gatewayPort, facts) {
      const virtualHost = findHost(ports.get(gatewayPort), facts.authority);
      if (!virtualHost) return undefined;
      if (virtualHost.isRedirected) return { type: "redirect" };
      for (const { route, matches: allowed } of virtualHost.entries) {
        if (allowed.length === 0) return { type: "route", route, match: undefined };
        const match = allowed.find((one) => matches(one, facts));
        if (match) return { type: "route", route, match };
      }
      return undefined;
    },
  };
}

/** The host of an authority, in lower case and without its port. */
function hostOf(authority: string): string {
  const host = authority.startsWith("[") ? authority.replace(/\]:\d+$/, "]") : authority.replace(/:\d*$/, "");
  return host.toLowerCase().replace(/\.$/, "");
}

function findHost(hosts: ReadonlyMap<string, VirtualHost> | undefined, authority: string): VirtualHost | undefined {
  if (!hosts) return undefined;
  const host = hostOf(authority);
  const exact = hosts.get(host);
  if (exact) return exact;
  for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {
    const wildcard = hosts.get(`*${host.slice(dot)}`);
    if (wildcard) return wildcard;
  }
  return hosts.get("*");
}

function entriesOf(service: VirtualService, gateway: Gateway): Entry[] {
  return (service.spec.http ?? []).flatMap((route) => {
    const all = route.match ?? [];
    const held = all.filter((one) => !one.gateways || one.gateways.some((name) => isNamed(name, service, gateway)));
    return all.length > 0 && held.length === 0 ? [] : [{ route, matches: held }];
  });
}

function isBound(service: VirtualService, gateway: Gateway): boolean {
  return (service.spec.gateways ?? []).some((name) => isNamed(name, service, gateway));
}

function isNamed(name: string, service: VirtualService, { metadata }: Gateway): boolean {
  const qualified = name.includes("/") ? name : `${service.metadata.namespace}/${name}`;
  return qualified === `${metadata.namespace}/${metadata.name}`;
}

/** The hosts of a VirtualService that a server takes. */
function hostsIn(service: VirtualService, server: GatewayServer, gateway: Gateway): string[] {
  return (service.spec.hosts ?? [])
    .map((host) => host.toLowerCase())
    .filter((host) =>
      server.hosts.some((pattern) => {
        const slash = pattern.indexOf("/");
        const namespace = slash < 0 ? "*" : pattern.slice(0, slash);
        const own = namespace === "." ? gateway.metadata.namespace : namespace;
        return (
          (own === "*" || own === service.metadata.namespace) && covers(pattern.slice(slash + 1).toLowerCase(), host)
        );
      }),
    );
}

/** Whether a host, or a pattern of hosts such as "*.example.com", takes in another. */
export function covers(pattern: string, host: string): boolean {
  return pattern === "*" || pattern === host || (pattern.startsWith("*.") && host.endsWith(pattern.slice(1)));
}

function ageKey({ metadata }: VirtualService): string {
  return `${metadata.creationTimestamp ?? ""} ${metadata.namespace}/${metadata.name}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
