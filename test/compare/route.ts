import { isDeepStrictEqual } from "node:util";
import type { Loose } from "../walks/world.ts";
import {
  type Change,
  conditionOf,
  isReadyRight,
  mark,
  objectsAfter,
  shown,
  statusAfter,
  subjectOf,
  withActions,
  withStatus,
} from "./outcome.ts";

/** The traffic that the Ingress was told last stays in the status. */
function withStoredTraffic(answer: Loose, request: Loose): Loose {
  return withStatus(answer, request, (status, stored) => {
    status.traffic = stored.status?.traffic;
  });
}

const badHostsKeepTraffic: Change = (upstream, request) => {
  if (request.controller !== "route" || !upstream.error?.startsWith("domain name error: ")) return undefined;
  return withStoredTraffic(upstream, request);
};

const failuresKeepTraffic: Change = (upstream, request) => {
  if (request.controller !== "route" || upstream.error === undefined) return undefined;
  const isReady = conditionOf(statusAfter(upstream, request), "Ready")?.status === "True";
  const isKept = isReady && subjectOf(request)?.status?.traffic;
  return isKept ? withStoredTraffic(upstream, request) : undefined;
};

/** To whom an Ingress sends requests, by host. */
function backendsOf({ spec }: Loose): Map<string, string[]> {
  return new Map(
    (spec.rules ?? []).flatMap(({ hosts = [], http }: Loose) => {
      const splits = http.paths.flatMap((path: Loose) => path.splits);
      const names = splits.filter(({ percent }: Loose) => percent !== 0).map(({ serviceName }: Loose) => serviceName);
      return hosts.map((host: string) => [host, names]);
    }),
  );
}

const patienceMs = 300_000;

/** Traffic waits for a revision's pods: the Ingress stays as it is. */
const trafficWaits: Change = (upstream, request, ours) => {
  if (request.controller !== "route") return undefined;
  const told = conditionOf(statusAfter(ours, request), "IngressReady");
  const [, cold] = /^Revision "(.+)" gets its traffic once one of its pods is ready\.$/.exec(told?.message ?? "") ?? [];
  const write = (upstream.actions ?? []).find(
    ({ resource, verb, subresource }: Loose) => resource.startsWith("ingresses.") && verb === "update" && !subresource,
  );
  const present = request.objects.find(
    ({ kind, metadata }: Loose) => kind === "Ingress" && metadata.name === write?.name,
  );
  if (told?.reason !== "WaitingForCapacity" || told.status !== "Unknown" || !cold || !present) return undefined;
  const isSince =
    told.lastTransitionTime === "NOW" || Date.parse(request.now) - Date.parse(told.lastTransitionTime) < patienceMs;
  const hasPods = (name: string): boolean | undefined =>
    objectsAfter({}, request, "Endpoints")
      .find(({ metadata }) => metadata.name === name)
      ?.subsets?.some(({ addresses = [] }: Loose) => addresses.length > 0) ?? undefined;
  const hasEndpoints = request.objects.some(
    ({ kind, metadata }: Loose) => kind === "Endpoints" && metadata.name === cold,
  );
  const before = backendsOf(shown(present, request));
  const isAwaited = [...backendsOf(write.object)].some(([host, names]) => {
    const now = before.get(host) ?? [];
    return names.includes(cold) && !now.includes(cold) && now.some((name) => hasPods(name));
  });
  if (!isSince || !hasEndpoints || hasPods(cold) || !isAwaited || !isReadyRight(statusAfter(ours, request)))
    return undefined;
  const others = upstream.actions.filter((action: Loose) => action !== write);
  const waiting = withStatus(withActions(upstream, others), request, (status, stored) => {
    mark(status, "IngressReady", told);
    mark(status, "Ready", conditionOf(statusAfter(ours, request), "Ready")!);
    if (stored.status?.traffic) status.traffic = stored.status.traffic;
  });
  return waiting;
};

/** The spec of a Service without what the API server adds where nobody says otherwise. */
function withoutDefaults({ sessionAffinity, ports = [], ...spec }: Loose): Loose {
  return {
    ...spec,
    ...(sessionAffinity && sessionAffinity !== "None" && { sessionAffinity }),
    ports: ports.map(({ targetPort, protocol, ...port }: Loose) => ({
      ...port,
      ...(targetPort && targetPort !== port.port && { targetPort }),
      ...(protocol && protocol !== "TCP" && { protocol }),
    })),
  };
}

/** What only the API server says of a placeholder Service is no reason to write it. */
const defaultsAreNoChange: Change = (upstream, request) => {
  if (request.controller !== "route") return undefined;
  const isNeedless = ({ verb, resource, name, object }: Loose) => {
    const present = request.objects.find(
      ({ apiVersion, kind, metadata }: Loose) => apiVersion === "v1" && kind === "Service" && metadata.name === name,
    );
    if (verb !== "update" || resource !== "services" || !present) return false;
    return isDeepStrictEqual(withoutDefaults(object.spec), withoutDefaults(present.spec));
  };
  return withActions(
    upstream,
    (upstream.actions ?? []).filter((action: Loose) => !isNeedless(action)),
  );
};

/** Tags that share a name have it written once. */
const sharedNamesOnce: Change = (upstream, { controller, configMaps }) => {
  const template = configMaps?.["config-network"]?.data?.["tag-template"] ?? "{{.Tag}}";
  if (controller !== "route" || template.includes("{{.Tag}}")) return undefined;
  const texts = new Set<string>();
  const once = (upstream.actions ?? []).filter((action: Loose) => {
    const text = JSON.stringify(action);
    if (action.resource !== "services" || !texts.has(text)) return texts.add(text);
    return false;
  });
  return withActions(upstream, once);
};

/** What somebody else made under the Route's label stays. */
const foreignCertificatesStay: Change = (upstream, request) => {
  if (request.controller !== "route") return undefined;
  const { uid } = subjectOf(request)?.metadata ?? {};
  const isForeign = (name: string) =>
    request.objects.some(
      ({ kind, metadata }: Loose) =>
        kind === "Certificate" &&
        metadata.name === name &&
        !(metadata.ownerReferences ?? []).some((reference: Loose) => reference.controller && reference.uid === uid),
    );
  const kept = (upstream.actions ?? []).filter(
    ({ verb, resource, name }: Loose) => verb === "delete" && resource.startsWith("certificates.") && isForeign(name),
  );
  const actions = (upstream.actions ?? []).filter((action: Loose) => !kept.includes(action));
  const told = kept.map(
    ({ namespace, name }: Loose) => `Normal Deleted Deleted orphaned Knative Certificate ${namespace}/${name}`,
  );
  const events = (upstream.events ?? []).filter((event: string) => !told.includes(event));
  return withActions({ ...upstream, events }, actions);
};

export const routeRules: readonly { readonly row: string; readonly change: Change }[] = [
  { row: "New tags of a Route whose hosts are no domain names", change: badHostsKeepTraffic },
  { row: "A pass of a ready Route that fails before its Ingress is told", change: failuresKeepTraffic },
  { row: "Traffic that moves to a revision without pods", change: trafficWaits },
  { row: "Placeholder Services", change: defaultsAreNoChange },
  { row: "Tags that share a name", change: sharedNamesOnce },
  { row: "Orphaned Certificates", change: foreignCertificatesStay },
];
