import type { ConditionDraft } from "../../apis/conditions.ts";
import type { Endpoints } from "../../apis/core/endpoints.ts";
import type { Service } from "../../apis/core/service.ts";
import { isControlledBy } from "../../apis/meta.ts";
import { sortBytes } from "../../apis/networking/hosts.ts";
import type { Ingress } from "../../apis/networking/ingress.ts";
import { routeLabel } from "../../apis/serving/labels.ts";
import type { Route } from "../../apis/serving/route.ts";
import type { Lister, Pass, Writer } from "../../kube/api.ts";
import { failed, isNotFound } from "../../kube/errors.ts";
import { semanticCovers, semanticEqual } from "../../kube/semantic.ts";
import { messageOf } from "../../lib/error-message.ts";
import { youthLeftMs } from "../youth.ts";
import { type DomainSettings, hostnameOf } from "./domains.ts";
import { isClusterLocalService, makePlaceholder, makeService, type Placeholder } from "./placeholder-service.ts";

export interface PlaceholderDeps {
  readonly services: Lister<Service>;
  readonly serviceClient: Writer<Service>;
  readonly endpoints: Lister<Endpoints>;
  readonly endpointsClient: Writer<Endpoints>;
}

/**
 * Sees to it that every tag has its name, and that no other tag's is left. Returns them by tag. A new route's names are
 * made once it is known where they lead to (by `ingress`), or its youth is over.
 */
export async function reconcilePlaceholders(
  route: Route,
  tags: Iterable<string>,
  ingress: Ingress | undefined,
  conditions: ConditionDraft,
  deps: PlaceholderDeps,
  pass: Pass<DomainSettings>,
): Promise<ReadonlyMap<string, Placeholder>> {
  const placeholders = new Map<string, Placeholder>();
  const sorted = sortBytes(tags);
  for (const tag of sorted) {
    const placeholder = await reconcilePlaceholder(route, tag, ingress, conditions, deps, pass);
    if (placeholder) placeholders.set(tag, placeholder);
  }
  const names = sorted.map((tag) => hostnameOf(route.metadata.name, tag, pass.config));
  await deleteOrphans(route, new Set(names), deps, pass);
  return placeholders;
}

async function reconcilePlaceholder(
  route: Route,
  tag: string,
  ingress: Ingress | undefined,
  conditions: ConditionDraft,
  { services, serviceClient, endpoints }: PlaceholderDeps,
  { clock, config, events, signal }: Pass<DomainSettings>,
): Promise<Placeholder | undefined> {
  let wanted = constructing(() => makePlaceholder(route, tag, config));
  const ref = { namespace: wanted.metadata.namespace!, name: wanted.metadata.name };
  let service = services.get(ref);
  if (!service) {
    if (youthLeftMs(route, clock) > 0) {
      const final = ingress && makeService(route, tag, ingress, false, config);
      if (!final) return undefined;
      wanted = final.service;
    }
    service = await serviceClient.create(wanted, { signal }).catch((error) => {
      events.warning("CreationFailed", `Failed to create placeholder service "${ref.name}": ${messageOf(error)}`);
      return failed("failed to create placeholder service")(error);
    });
    events.normal("Created", `Created placeholder service "${ref.name}"`);
  } else if (!isControlledBy(service, route)) {
    conditions.markFalse(
      "IngressReady",
      "NotOwned",
      `There is an existing placeholder Service "${ref.name}" that we do not own.`,
    );
    throw new Error(`route: "${route.metadata.name}" does not own Service: "${ref.name}"`);
  }
  const present = endpoints.get(ref);
  if (present && !isControlledBy(present, route)) {
    conditions.markFalse(
      "IngressReady",
      "NotOwned",
      `There is an existing placeholder Endpoint "${ref.name}" that we do not own.`,
    );
    throw new Error(`route: "${route.metadata.name}" does not own Endpoints: "${ref.name}"`);
  }
  return { service, ...(present && { endpoints: present }) };
}

function constructing<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    return failed("failed to construct placeholder k8s service")(error);
  }
}

async function deleteOrphans(
  route: Route,
  names: ReadonlySet<string>,
  { services, serviceClient, endpoints, endpointsClient }: PlaceholderDeps,
  { signal }: Pass<unknown>,
): Promise<void> {
  const namespace = route.metadata.namespace!;
  for (const { metadata } of services.list({ namespace, labels: { [routeLabel]: route.metadata.name } })) {
    if (names.has(metadata.name)) continue;
    const ref = { namespace, name: metadata.name };
    await serviceClient.delete(ref, { signal }).catch(unlessGone("failed to delete Service"));
    if (!endpoints.get(ref)) continue;
    await endpointsClient.delete(ref, { signal }).catch(unlessGone("failed to delete Endpoints"));
  }
}

/** Leads the tags' names to the load balancer that the Ingress tells of. */
export async function pointPlaceholders(
  route: Route,
  placeholders: ReadonlyMap<string, Placeholder>,
  ingress: Ingress,
  deps: PlaceholderDeps,
  { config, log, signal }: Pass<DomainSettings>,
): Promise<void> {
  const point = async ([tag, from]: [string, Placeholder]): Promise<void> => {
    const to = makeService(route, tag, ingress, isClusterLocalService(from.service), config);
    if (!to) {
      log.debug("The load balancer is not known yet", { tag });
      return;
    }
    await replaceService(from.service, to.service, deps.serviceClient, signal);
    await replaceEndpoints(from.endpoints, to.endpoints, deps.endpointsClient, signal);
  };
  // A template may give several tags one name, which is to be written once.
  const byName = new Map([...placeholders].map((entry) => [entry[1].service.metadata.name, entry]));
  // All at once; upstream's order is that of its scheduler, which mostly takes the last first.
  await Promise.all([...byName.values()].reverse().map(point));
}

async function replaceService(from: Service, to: Service, client: Writer<Service>, signal: AbortSignal): Promise<void> {
  const kept = keepAddress(from, to);
  if (kept) {
    if (!semanticCovers(from.spec, kept)) await client.update({ ...from, spec: kept }, { signal });
    return;
  }
  const { name, namespace } = from.metadata;
  await client.delete({ name, namespace: namespace! }, { signal });
  await client.create(to, { signal });
}

/** The spec to update with; undefined where Kubernetes lets no Service change that much. */
function keepAddress(from: Service, to: Service): Service["spec"] | undefined {
  const fromType = from.spec.type ?? "ClusterIP";
  const toType = to.spec.type ?? "ClusterIP";
  if (fromType !== toType) return fromType === "ExternalName" ? to.spec : undefined;
  if (fromType !== "ClusterIP" || (from.spec.clusterIP ?? "") === (to.spec.clusterIP ?? "")) return to.spec;
  const canKeep = from.spec.clusterIP !== "None" && !to.spec.clusterIP;
  return canKeep ? { ...to.spec, clusterIP: from.spec.clusterIP! } : undefined;
}

async function replaceEndpoints(
  from: Endpoints | undefined,
  to: Endpoints | undefined,
  client: Writer<Endpoints>,
  signal: AbortSignal,
): Promise<void> {
  if (from && to) {
    if (!semanticEqual(from.subsets, to.subsets))
      await client.update({ ...from, subsets: to.subsets ?? [] }, { signal });
  } else if (to) {
    await client.create(to, { signal });
  } else if (from) {
    const { name, namespace } = from.metadata;
    await client.delete({ name, namespace: namespace! }, { signal }).catch(unlessGone("failed to delete Endpoints"));
  }
}

function unlessGone(what: string): (error: unknown) => void {
  return (error) => {
    if (!isNotFound(error)) failed(what)(error);
  };
}
