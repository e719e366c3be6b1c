import { type ConditionDraft, conditionSet, isTrue } from "../../apis/conditions.ts";
import { Endpoints } from "../../apis/core/endpoints.ts";
import { Service } from "../../apis/core/service.ts";
import { keyOf } from "../../apis/meta.ts";
import { Certificate } from "../../apis/networking/certificate.ts";
import { Ingress } from "../../apis/networking/ingress.ts";
import { draftConditions, observed, silenceMs, waitUnderWay } from "../../apis/observed.ts";
import { Configuration } from "../../apis/serving/configuration.ts";
import { Revision } from "../../apis/serving/revision.ts";
import { Route } from "../../apis/serving/route.ts";
import { isOfKnativeService } from "../../apis/serving/service.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import type { ClusterAccess, Lister, Outcome, Pass, StatusOf } from "../../kube/api.ts";
import { createTracker, type Tracker } from "../../kube/tracker.ts";
import { serviceHostname } from "../../lib/cluster-domain.ts";
import { messageOf } from "../../lib/error-message.ts";
import { silenceInMs } from "../networking/certificate.ts";
import {
  applyIngress,
  type IngressDeps,
  isIngressObserved,
  markIngressNotConfigured,
  propagateIngress,
} from "../networking/ingress.ts";
import { isExternalTlsEnabled } from "../networking/settings.ts";
import { youthLeftMs } from "../youth.ts";
import { advanceRollout } from "./advance-rollout.ts";
import { waitForCapacity } from "./capacity.ts";
import {
  type CertificateDeps,
  reconcileExternalCertificates,
  reconcileLocalCertificates,
  type TlsPlan,
} from "./certificates.ts";
import { DomainNameError, domainOf, hostsOf, isClusterLocal, schemeOf, type Visibility } from "./domains.ts";
import { ingressName, makeIngress } from "./ingress.ts";
import { type PlaceholderDeps, pointPlaceholders, reconcilePlaceholders } from "./placeholders.ts";
import { isDone } from "./rollout.ts";
import { defaultTag, markProblem, resolveTraffic, statusTraffic, type Traffic } from "./traffic.ts";
import { resolveVisibility } from "./visibility.ts";

/** What a route may read, and what it may write. */
export interface Deps extends PlaceholderDeps, CertificateDeps, IngressDeps {
  readonly configurations: Lister<Configuration>;
  readonly revisions: Lister<Revision>;
  readonly tracker: Tracker;
}

export const routeReconciler = {
  kind: Route,
  reconcile: reconcileRoute,
  deps: ({ client, informers }: ClusterAccess) => ({
    configurations: informers.of(Configuration),
    revisions: informers.of(Revision),
    services: informers.of(Service),
    serviceClient: client.of(Service),
    endpoints: informers.of(Endpoints),
    endpointsClient: client.of(Endpoints),
    ingresses: informers.of(Ingress),
    ingressClient: client.of(Ingress),
    certificates: informers.of(Certificate),
    certificateClient: client.of(Certificate),
    tracker: createTracker(informers.of(Route)),
  }),
};

type Status = StatusOf<Route>;

const routeConditions = conditionSet("Ready", "AllTrafficAssigned", "IngressReady", "CertificateProvisioned");

/**
 * Realises a route: resolves its traffic, holds its names inside the cluster, asks for certificates, and keeps the
 * Ingress that the network layer acts upon. Source: serving v0.42.2 pkg/reconciler/route.
 */
async function reconcileRoute(route: Route, deps: Deps, pass: Pass<ServingConfig>): Promise<Outcome<Route>> {
  const conditions = draftConditions(route, routeConditions, pass.clock);
  if ((route.status?.observedGeneration ?? 0) !== (route.metadata.generation ?? 0))
    markIngressNotConfigured(conditions);
  const status: Status = { ...route.status };
  const outcome = (rest: Partial<Outcome<Route>>) => ({
    status: { ...status, ...observed(route, conditions) },
    ...wait(route, conditions),
    ...rest,
  });
  try {
    const traffic = assignTraffic(route, status, conditions, deps, pass.config);
    if (!traffic) return outcome({});
    const requeueAfterMs = await reconcileNetwork(route, traffic, status, conditions, deps, pass);
    return outcome(requeueAfterMs === undefined ? {} : { requeueAfterMs });
  } catch (error) {
    // The Ingress may know nothing of new traffic: a Route that is ready would say that it flows already.
    if (route.status?.traffic && isTrue(conditions.get("Ready"))) status.traffic = route.status.traffic;
    return outcome({ error });
  }
}

/**
 * A Service tells people how its Route is: that there is no revision yet it knows better, and while the Ingress is told
 * of new traffic the Route still serves the old.
 */
function wait(route: Route, conditions: ConditionDraft): { statusMayWaitMs?: number } {
  const isOfService = isOfKnativeService(route);
  const reason = conditions.get("Ready")?.reason;
  return waitUnderWay(route, conditions, routeConditions, {
    isPart: isOfService && reason === "IngressNotConfigured",
    ...(isOfService && reason === "RevisionMissing" && { mayWaitMs: silenceMs }),
  });
}

interface VisibleTraffic extends Traffic {
  readonly visibility: ReadonlyMap<string, Visibility>;
}

/** Resolves the traffic, and says so in status; undefined where a target is not ready or not there. */
function assignTraffic(
  route: Route,
  status: Status,
  conditions: ConditionDraft,
  { configurations, revisions, services, tracker }: Deps,
  config: ServingConfig,
): VisibleTraffic | undefined {
  try {
    const traffic = resolveTraffic(withDefaults(route), configurations, revisions);
    trackTargets(route, traffic, tracker);
    const visibility = resolveVisibility(route, services, config);
    status.url = urlOf(route, defaultTag, visibility, config);
    if (traffic.problem) {
      markProblem(conditions, traffic.problem);
      return undefined;
    }
    status.traffic = statusTraffic(traffic, {}, (tag) => urlOf(route, tag, visibility, config));
    conditions.markTrue("AllTrafficAssigned");
    return { ...traffic, visibility };
  } catch (error) {
    const message = messageOf(error);
    if (error instanceof DomainNameError) conditions.markFalse("AllTrafficAssigned", "ErrorConfig", message);
    else conditions.markUnknown("AllTrafficAssigned", "Unknown", message);
    throw error;
  }
}

async function reconcileNetwork(
  route: Route,
  traffic: VisibleTraffic,
  status: Status,
  conditions: ConditionDraft,
  deps: Deps,
  pass: Pass<ServingConfig>,
): Promise<number | undefined> {
  const { namespace, name } = route.metadata;
  const localHost = serviceHostname(name, namespace!);
  status.address = { url: `http://${localHost}` };
  const present = deps.ingresses.get({ namespace: namespace!, name: ingressName(route) });
  const tags = [...traffic.targets.keys()];
  const placeholders = await reconcilePlaceholders(route, tags, present, conditions, deps, pass);
  const namesLeftMs = placeholders.size < tags.length ? youthLeftMs(route, pass.clock) : undefined;

  const plan = await reconcileTls(route, traffic, conditions, deps, pass);
  const showSchemes = () => {
    status.url = withScheme(status.url!, plan.schemes);
    status.address = { url: withScheme(`http://${localHost}`, plan.schemes) };
    status.traffic = (status.traffic ?? []).map((target) =>
      target.url ? { ...target, url: withScheme(target.url, plan.schemes) } : target,
    );
  };
  showSchemes();

  const { rollout, nextStepNs } = advanceRollout(route, traffic, present, conditions, pass);
  const wanted = makeIngress(route, { ...traffic, ...plan, rollout }, pass.config);
  const waitMs = present ? waitForCapacity(wanted, present, conditions, deps.endpoints, pass.clock) : undefined;
  if (present && waitMs !== undefined) {
    if (route.status?.traffic) status.traffic = route.status.traffic;
    await pointPlaceholders(route, placeholders, present, deps, pass);
    return waitMs;
  }
  const ingress = await applyIngress(wanted, deps, pass);
  const isRolling = !isDone(rollout);
  if (!isIngressObserved(ingress)) markIngressNotConfigured(conditions);
  else if (!isRolling) propagateIngress(conditions, ingress);

  await pointPlaceholders(route, placeholders, ingress, deps, pass);
  if (!isRolling) return namesLeftMs ?? silenceInMs(plan.unready, pass.clock);
  conditions.markUnknown(
    "IngressReady",
    "RolloutInProgress",
    "A gradual rollout of the latest revision(s) is in progress.",
  );
  status.traffic = statusTraffic(traffic, rollout, (tag) => urlOf(route, tag, traffic.visibility, pass.config));
  showSchemes();
  return nextStepNs > 0 ? Math.max(0, nextStepNs / 1e6 - pass.clock.now()) : undefined;
}

/** Asks for the certificates that the configuration wants the route's hosts to have. */
async function reconcileTls(
  route: Route,
  traffic: VisibleTraffic,
  conditions: ConditionDraft,
  deps: Deps,
  pass: Pass<ServingConfig>,
): Promise<TlsPlan> {
  const { config } = pass;
  const tags = [...traffic.targets.keys()];
  const plans: TlsPlan[] = [];
  const isExternalEnabled = isExternalTlsEnabled(route, config.network);
  const publicHosts = new Map(
    tags
      .map((tag): [string, string] => [domainOf(route, tag, traffic.visibility.get(tag) ?? "ExternalIP", config), tag])
      .filter(([host]) => !isClusterLocal(host)),
  );
  if (isExternalEnabled) plans.push(await reconcileExternalCertificates(route, publicHosts, conditions, deps, pass));
  else conditions.markTrue("CertificateProvisioned", "TLSNotEnabled", "external-domain-tls is not enabled");

  if (config.network.clusterLocalDomainTLS === "enabled") {
    const localHosts = new Map(tags.map((tag) => [tag, hostsOf(route, tag, "ClusterLocal", config)]));
    plans.push(await reconcileLocalCertificates(route, localHosts, conditions, deps, pass));
  } else if (isExternalEnabled && publicHosts.size === 0) {
    conditions.markTrue("CertificateProvisioned", "TLSNotEnabled", "TLS is not enabled for cluster-local");
  }
  return {
    tls: plans.flatMap(({ tls }) => tls),
    challenges: plans.flatMap(({ challenges }) => challenges),
    schemes: new Map(plans.flatMap(({ schemes }) => [...schemes])),
    unready: plans.flatMap(({ unready }) => unready),
  };
}

/** The spec as admission completes it, for routes that were stored without. */
function withDefaults(route: Route): Route {
  const traffic = (route.spec.traffic ?? []).map((target) => ({
    ...target,
    latestRevision: target.latestRevision ?? !target.revisionName,
  }));
  return { ...route, spec: { ...route.spec, traffic } };
}

function trackTargets(route: Route, traffic: Traffic, tracker: Tracker): void {
  const { namespace } = route.metadata;
  const named = (kind: "Configuration" | "Revision", name: string) => ({
    kind: kind === "Configuration" ? Configuration : Revision,
    name,
    namespace: namespace!,
  });
  tracker.track(keyOf(route), [
    ...traffic.missing.map(({ kind, name }) => named(kind, name)),
    ...traffic.configurations.map(({ metadata }) => named("Configuration", metadata.name)),
    ...traffic.revisions.map(({ metadata }) => named("Revision", metadata.name)),
    ...traffic.revisions.map(({ metadata }) => ({ kind: Endpoints, name: metadata.name, namespace: namespace! })),
  ]);
}

function urlOf(route: Route, tag: string, visibility: ReadonlyMap<string, Visibility>, config: ServingConfig): string {
  const seenFrom = visibility.get(tag) ?? "ExternalIP";
  return `${schemeOf(seenFrom, config)}://${domainOf(route, tag, seenFrom, config)}`;
}

function withScheme(url: string, schemes: ReadonlyMap<string, string>): string {
  const [scheme, host] = url.split("://") as [string, string];
  return `${schemes.get(host) ?? scheme}://${host}`;
}
