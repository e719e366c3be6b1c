import type { Service } from "../../apis/core/service.ts";
import { type Kind, referredKind, resourceNameOf } from "../../apis/kind.ts";
import type { DomainMapping } from "../../apis/serving/domainmapping.ts";
import { servingGroup } from "../../apis/serving/labels.ts";
import type { Route } from "../../apis/serving/route.ts";
import type { KnativeService } from "../../apis/serving/service.ts";
import type { Client, Lister } from "../../kube/api.ts";
import { clusterDomain, serviceHostname } from "../../lib/cluster-domain.ts";
import { messageOf } from "../../lib/error-message.ts";

/** Where a domain mapping's reference leads. */
export interface Target {
  /** The name by which the cluster knows it. */
  readonly host: string;
  /** The Kubernetes Service of that name. */
  readonly service: string;
}

export interface TargetSources {
  readonly services: Pick<Lister<Service>, "get">;
  readonly knativeServices: Pick<Lister<KnativeService>, "get">;
  readonly routes: Pick<Lister<Route>, "get">;
  /** Reads targets of kinds that no cache holds. */
  readonly client: Pick<Client, "raw">;
}

/** The reference does not lead to a target that requests can be sent to; the message says why. */
export class UnresolvedError extends Error {}

/**
 * Follows the reference to the address of its object. Rejects with UnresolvedError.
 * Source: serving v0.42.2 pkg/reconciler/domainmapping and knative.dev/pkg resolver.
 */
export async function resolveTarget(
  mapping: DomainMapping,
  sources: TargetSources,
  signal: AbortSignal,
): Promise<Target> {
  const url = await addressOf(mapping, sources, signal);
  const { host, pathname } = new URL(url);
  const shown = JSON.stringify(url);
  if (pathname.replace(/\/$/, "") !== "") throw new UnresolvedError(`resolved URI ${shown} contains a path`);
  const suffix = `.svc.${clusterDomain}`;
  const [service, namespace, ...rest] = host.endsWith(suffix) ? host.slice(0, -suffix.length).split(".") : [];
  if (!service || !namespace || rest.length > 0) {
    throw new UnresolvedError(`resolved URI ${shown} must be of the form {name}.{namespace}${suffix}`);
  }
  if (namespace !== mapping.metadata.namespace) {
    throw new UnresolvedError(`resolved URI ${shown} must be in same namespace as DomainMapping`);
  }
  return { host, service };
}

type Addressable = {
  readonly status?: {
    readonly address?: { readonly url?: string };
    readonly addresses?: readonly { readonly name?: string; readonly url?: string }[];
  };
};

async function addressOf(mapping: DomainMapping, sources: TargetSources, signal: AbortSignal): Promise<string> {
  const { kind, apiVersion = "", name, address: wanted } = mapping.spec.ref;
  const namespace = mapping.spec.ref.namespace ?? mapping.metadata.namespace!;
  if (apiVersion === "v1" && kind === "Service") {
    if (!sources.services.get({ namespace, name })) throw notFound(namespace, name, `services "${name}" not found`);
    return `http://${serviceHostname(name, namespace)}`;
  }
  const { status } = await objectOf(referredKind(mapping.spec.ref), { namespace, name }, sources, signal);
  const { group = "" } = mapping.spec.ref;
  const shown = `Kind = ${kind}, Namespace = ${namespace}, Name = ${name}, APIVersion = ${apiVersion}, Group = ${group}, Address = ${wanted ?? ""}`;
  const addresses = status?.addresses ?? [];
  if (addresses.length === 0 && !status?.address) throw new UnresolvedError(`address not set for ${shown}`);
  const chosen = wanted ? addresses.find((address) => address.name === wanted) : (addresses[0] ?? status?.address);
  if (!chosen) throw new UnresolvedError(`address with name "${wanted}" not found for ${shown}`);
  if (!chosen.url) throw new UnresolvedError(`URL missing in address of ${shown}`);
  if (!URL.canParse(chosen.url)) throw new UnresolvedError(`hostname missing in address of ${shown}`);
  return chosen.url;
}

async function objectOf(
  kind: Kind,
  ref: { readonly namespace: string; readonly name: string },
  { knativeServices, routes, client }: TargetSources,
  signal: AbortSignal,
): Promise<Addressable> {
  if (isKnativeTarget(kind)) {
    const found = (kind.kind === "Service" ? knativeServices : routes).get(ref);
    if (!found) throw notFound(ref.namespace, ref.name, `${resourceNameOf(kind)} "${ref.name}" not found`);
    return found;
  }
  const root = kind.group === "" ? "api" : `apis/${kind.group}`;
  const path = `/${root}/${kind.version}/namespaces/${ref.namespace}/${kind.plural}/${ref.name}`;
  try {
    return (await client.raw("GET", path, undefined, signal)) as Addressable;
  } catch (error) {
    throw notFound(ref.namespace, ref.name, messageOf(error));
  }
}

/** Whether the objects of a kind that mappings lead to are in the caches of every control plane. */
export function isCachedTarget(kind: Kind): boolean {
  return isKnativeTarget(kind) || (kind.group === "" && kind.kind === "Service");
}

function isKnativeTarget({ group, kind }: Kind): boolean {
  return group === servingGroup && (kind === "Service" || kind === "Route");
}

function notFound(namespace: string, name: string, why: string): UnresolvedError {
  return new UnresolvedError(`failed to get object ${namespace}/${name}: ${why}`);
}
