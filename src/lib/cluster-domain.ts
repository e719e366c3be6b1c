import { readFileSync } from "node:fs";

/**
 * The cluster's DNS domain, `cluster.local` unless the machine's resolver says otherwise.
 * Source: knative.dev/pkg network.GetClusterDomainName, as serving v0.42.2 requires it.
 */
export const clusterDomain = clusterDomainOf(readResolverConfig());

/** Finds the domain in a resolver configuration (resolv.conf): what follows `svc.` in a `search` line. */
export function clusterDomainOf(resolverConfig: string): string {
  for (const line of resolverConfig.split("\n")) {
    const [keyword, ...domains] = line.split(" ");
    if (keyword !== "search") continue;
    const service = domains.find((domain) => domain.startsWith("svc."));
    if (service) return service.slice("svc.".length).replace(/\.$/, "");
  }
  return "cluster.local";
}

/** The full DNS name of a Kubernetes Service. */
export function serviceHostname(name: string, namespace: string): string {
  return `${name}.${namespace}.svc.${clusterDomain}`;
}

function readResolverConfig(): string {
  try {
    return readFileSync("/etc/resolv.conf", "utf8");
  } catch {
    return "";
  }
}
