import type { ObjectMeta } from "../../apis/meta.ts";
import { expandHosts } from "../../apis/networking/hosts.ts";
import { visibilityLabel } from "../../apis/networking/labels.ts";
import { visibilityClusterLocal } from "../../apis/serving/labels.ts";
import type { Route } from "../../apis/serving/route.ts";
import { lookupDomain } from "../../config/domain.ts";
import { domainNameOf, tagNameOf } from "../../config/network.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { clusterDomain } from "../../lib/cluster-domain.ts";
import { messageOf } from "../../lib/error-message.ts";
import { goQuote } from "../../lib/go-quote.ts";
import { subdomainProblems } from "../../lib/kube-names.ts";

/** What of the configuration decides about names. */
export type DomainSettings = Pick<ServingConfig, "domain" | "network">;

export type Visibility = "ExternalIP" | "ClusterLocal";

/** The configured templates made something that is no domain name. */
export class DomainNameError extends Error {}

/** The first part of a tag's host, and the name of its placeholder Service. Source of this file: serving v0.42.2 pkg/reconciler/route/domains. */
export function hostnameOf(routeName: string, tag: string, { network }: DomainSettings): string {
  if (tag === "") return routeName;
  return render("TagTemplate", () => tagNameOf(network, { name: routeName, tag }));
}

/** The full host of a tag, as it is seen from where `visibility` says. */
export function domainOf(route: Route, tag: string, visibility: Visibility, settings: DomainSettings): string {
  return fullDomain(
    withVisibility(route.metadata, visibility),
    hostnameOf(route.metadata.name, tag, settings),
    settings,
  );
}

/** The hosts of a tag's rule; inside the cluster the short forms too. */
export function hostsOf(route: Route, tag: string, visibility: Visibility, settings: DomainSettings): string[] {
  const domain = domainOf(route, tag, visibility, settings);
  return visibility === "ClusterLocal" ? expandHosts([domain]) : [domain];
}

/** The scheme of URLs before certificates are looked at. */
export function schemeOf(visibility: Visibility, { network }: DomainSettings): string {
  return visibility === "ClusterLocal" ? "http" : network.defaultExternalScheme;
}

/** The host that a name gets under the domain that the object's labels select. Throws DomainNameError. */
export function fullDomain(metadata: ObjectMeta, name: string, { domain, network }: DomainSettings): string {
  const { labels = {}, annotations = {}, namespace = "" } = metadata;
  const values = { name, namespace, domain: lookupDomain(domain, labels), annotations, labels };
  const isLocal = labels[visibilityLabel] === visibilityClusterLocal;
  const full = isLocal
    ? `${name}.${namespace}.${values.domain}`
    : render("DomainTemplate", () => domainNameOf(network, values));
  const complaint = complaintOf(full);
  if (complaint) throw new DomainNameError(`domain name error: invalid domain name ${goQuote(full)}: ${complaint}`);
  return full;
}

/** Whether a host is one of the cluster's own. */
export function isClusterLocal(host: string): boolean {
  return host.endsWith(clusterDomain);
}

function withVisibility(metadata: ObjectMeta, visibility: Visibility): ObjectMeta {
  const { [visibilityLabel]: _, ...labels } = metadata.labels ?? {};
  return {
    ...metadata,
    labels: visibility === "ClusterLocal" ? { ...labels, [visibilityLabel]: visibilityClusterLocal } : labels,
  };
}

function render(template: string, run: () => string): string {
  try {
    return run();
  } catch (error) {
    throw new DomainNameError(`domain name error: error executing the ${template}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Source: k8s.io/apimachinery v0.29 validation.IsFullyQualifiedDomainName. */
function complaintOf(host: string): string | undefined {
  if (host === "") return "url: Required value";
  const name = host.replace(/\.$/, "");
  const invalid = (value: string, problems: readonly string[]) =>
    `url: Invalid value: ${goQuote(value)}: ${problems.join(",")}`;
  const problems = subdomainProblems(name);
  if (problems.length > 0) return invalid(name, problems);
  const labels = name.split(".");
  if (labels.length < 2) return invalid(name, ["should be a domain with at least two segments separated by dots"]);
  const long = labels.find((label) => label.length > 63);
  return long && invalid(long, ["must be no more than 63 characters"]);
}
