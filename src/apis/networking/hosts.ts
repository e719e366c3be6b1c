import { clusterDomain } from "../../lib/cluster-domain.ts";

/**
 * The hosts, and the short forms under which the cluster's DNS knows those that are Services; sorted.
 * Source: knative.dev/networking pkg/ingress ExpandedHosts, as serving v0.42.2 requires it.
 */
export function expandHosts(hosts: Iterable<string>): string[] {
  const expanded = new Set<string>();
  for (const host of hosts) {
    if (isTopLevelDomainValid(host)) expanded.add(host);
    for (const suffix of [`.${clusterDomain}`, `.svc.${clusterDomain}`]) {
      if (!host.endsWith(suffix)) continue;
      const short = host.slice(0, -suffix.length);
      if (isTopLevelDomainValid(short)) expanded.add(short);
    }
  }
  return sortBytes(expanded);
}

/** Sorted as Go sorts strings: by bytes, not by locale. */
export function sortBytes(texts: Iterable<string>): string[] {
  return [...texts].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Envoy takes no top-level domain that is longer than 63 characters or all digits. */
function isTopLevelDomainValid(host: string): boolean {
  const topLevel = host.slice(host.lastIndexOf(".") + 1);
  return Buffer.byteLength(topLevel) <= 63 && /[-:-\uffff]/.test(topLevel);
}
