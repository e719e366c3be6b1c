import { type Condition, type ConditionDraft, conditionOf, conditionSet, isTrue } from "../../apis/conditions.ts";
import { isControlledBy } from "../../apis/meta.ts";
import { draftConditions, observed, waitUnderWay } from "../../apis/observed.ts";
import { Configuration } from "../../apis/serving/configuration.ts";
import { configurationAdmission } from "../../apis/serving/configuration-admission.ts";
import { Revision } from "../../apis/serving/revision.ts";
import { Route } from "../../apis/serving/route.ts";
import { routeAdmission } from "../../apis/serving/route-admission.ts";
import { KnativeService } from "../../apis/serving/service.ts";
import { serviceAdmission } from "../../apis/serving/service-admission.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import type { ClusterAccess, Lister, Outcome, Pass, Writer } from "../../kube/api.ts";
import { failure, reasonFor } from "../../kube/errors.ts";
import { semanticEqual } from "../../kube/semantic.ts";
import { namedRevision } from "../configuration/named-revision.ts";
import { defaulted } from "../defaulted.ts";
import { describeProblem } from "../route/traffic.ts";
import { makeConfiguration } from "./configuration.ts";
import { makeRoute } from "./route.ts";

export interface ServiceDeps {
  readonly configurations: Pick<Lister<Configuration>, "get">;
  readonly routes: Pick<Lister<Route>, "get">;
  readonly revisions: Pick<Lister<Revision>, "get">;
  readonly writeConfigurations: Pick<Writer<Configuration>, "create" | "update">;
  readonly writeRoutes: Pick<Writer<Route>, "create" | "update">;
}

export const serviceReconciler = {
  kind: KnativeService,
  reconcile: reconcileService,
  deps: ({ client, informers }: ClusterAccess) => ({
    configurations: informers.of(Configuration),
    routes: informers.of(Route),
    revisions: informers.of(Revision),
    writeConfigurations: client.of(Configuration),
    writeRoutes: client.of(Route),
  }),
};

const conditionsOfService = conditionSet("Ready", "ConfigurationsReady", "RoutesReady");

type ServiceStatus = NonNullable<KnativeService["status"]>;

/**
 * Makes and keeps the Service's Configuration and Route, and says how they are.
 * Source: serving v0.42.2 pkg/reconciler/service.
 */
async function reconcileService(
  stored: KnativeService,
  deps: ServiceDeps,
  pass: Pass<ServingConfig>,
): Promise<Outcome<KnativeService>> {
  const service = defaulted(stored, serviceAdmission, pass.config);
  const conditions = draftConditions(service, conditionsOfService, pass.clock);
  const status: ServiceStatus = { ...service.status };
  const finish = (error?: unknown): Outcome<KnativeService> => ({
    status: { ...status, ...observed(service, conditions) },
    ...(!tellsCause(conditions) && waitUnderWay(stored, conditions, conditionsOfService)),
    ...(error !== undefined && { error }),
  });
  try {
    await reconcileChildren(service, status, conditions, deps, pass);
    return finish();
  } catch (error) {
    return finish(error);
  }
}

async function reconcileChildren(
  service: KnativeService,
  status: ServiceStatus,
  conditions: ConditionDraft,
  deps: ServiceDeps,
  pass: Pass<ServingConfig>,
): Promise<void> {
  const configuration = await ensureConfiguration(service, conditions, deps, pass);
  const template = configuration.spec.template.metadata?.name;
  if (!isObserved(configuration)) {
    conditions.markUnknown(
      "ConfigurationsReady",
      "OutOfDate",
      "The Configuration is still working to reflect the latest desired specification.",
    );
    // With a name of the user's choice traffic must not move before the Configuration has judged that name.
    if (template) return;
  } else {
    propagate(configuration, "ConfigurationsReady", conditions);
    copyFields(status, configuration.status, ["latestCreatedRevisionName", "latestReadyRevisionName"]);
  }
  // Lest traffic goes to a namesake that somebody else made.
  if (namedRevision(configuration, deps.revisions).is === "taken") {
    conditions.markFalse(
      "RoutesReady",
      "RevisionNameTaken",
      `The revision name "${template}" is taken by a conflicting Revision, so traffic will not be migrated`,
    );
    return;
  }

  const route = await ensureRoute(service, conditions, deps, pass);
  if (!isObserved(route)) {
    conditions.markUnknown(
      "RoutesReady",
      "OutOfDate",
      "The Route is still working to reflect the latest desired specification.",
    );
  } else {
    propagate(route, "RoutesReady", conditions);
    copyFields(status, route.status, ["url", "address", "traffic"]);
  }
  tellDeepestCause(conditions, configuration);
  if (isTrue(conditions.get("RoutesReady")) && !followsLatest(route, configuration)) {
    conditions.markUnknown("RoutesReady", "TrafficNotMigrated", "Traffic is not yet migrated to the latest revision.");
  }
}

async function ensureConfiguration(
  service: KnativeService,
  conditions: ConditionDraft,
  deps: ServiceDeps,
  pass: Pass<ServingConfig>,
): Promise<Configuration> {
  const { name } = service.metadata;
  const existing = deps.configurations.get(service.metadata);
  if (!existing) {
    return create("Configuration", makeConfiguration(service), deps.writeConfigurations, pass);
  }
  if (!isControlledBy(existing, service)) {
    conditions.markFalse("ConfigurationsReady", "NotOwned", notOwned("Configuration", name));
    throw new Error(`service: "${name}" does not own configuration: "${name}"`);
  }
  const present = defaulted(existing, configurationAdmission, pass.config);
  return keep("Configuration", existing, present, makeConfiguration(service, existing), deps.writeConfigurations, pass);
}

async function ensureRoute(
  service: KnativeService,
  conditions: ConditionDraft,
  deps: ServiceDeps,
  pass: Pass<ServingConfig>,
): Promise<Route> {
  const { name } = service.metadata;
  const existing = deps.routes.get(service.metadata);
  if (!existing) return create("Route", makeRoute(service), deps.writeRoutes, pass);
  if (!isControlledBy(existing, service)) {
    conditions.markFalse("RoutesReady", "NotOwned", notOwned("Route", name));
    throw new Error(`service: "${name}" does not own route: "${name}"`);
  }
  const present = defaulted(existing, routeAdmission, pass.config);
  return keep("Route", existing, present, makeRoute(service), deps.writeRoutes, pass);
}

async function create<T extends Configuration | Route>(
  kind: string,
  child: T,
  writer: Pick<Writer<T>, "create">,
  pass: Pass<ServingConfig>,
): Promise<T> {
  const { name } = child.metadata;
  try {
    const created = await writer.create(child, { signal: pass.signal });
    pass.events.normal("Created", `Created ${kind} "${name}"`);
    return created;
  } catch (error) {
    pass.events.warning("CreationFailed", `Failed to create ${kind} "${name}": ${reasonFor(error)}`);
    throw failure(`failed to create ${kind}`, error);
  }
}

/** Brings an owned child back to what the Service wants, labels and annotations included. */
async function keep<T extends Configuration | Route>(
  kind: string,
  existing: T,
  /** With today's defaults. */
  present: T,
  wanted: T,
  writer: Pick<Writer<T>, "update">,
  pass: Pass<ServingConfig>,
): Promise<T> {
  const { labels, annotations } = wanted.metadata;
  if (
    semanticEqual(present.spec, wanted.spec) &&
    semanticEqual(present.metadata.labels, labels) &&
    semanticEqual(present.metadata.annotations, annotations)
  ) {
    return existing;
  }
  pass.log.info(`the ${kind} differs from what its Service wants: updating it`);
  const metadata = { ...existing.metadata, labels: labels ?? {}, annotations: annotations ?? {} };
  try {
    return await writer.update({ ...existing, metadata, spec: wanted.spec }, { signal: pass.signal });
  } catch (error) {
    throw failure(`failed to reconcile ${kind}`, error);
  }
}

/** Whether the Configuration says what keeps its Revision from becoming ready. */
function tellsCause(conditions: ConditionDraft): boolean {
  const { reason, message } = conditions.get("ConfigurationsReady") ?? {};
  return Boolean(message) && reason !== "OutOfDate";
}

/** Takes over a child's readiness, with its reason and message where it is not ready. */
function propagate(child: Configuration | Route, type: string, conditions: ConditionDraft): void {
  const ready = conditionOf(child, "Ready");
  if (!ready) return;
  const { status, reason = "", message = "" } = ready;
  if (status === "True") conditions.markTrue(type);
  else if (status === "False") conditions.markFalse(type, reason, message);
  else conditions.markUnknown(type, reason, message);
}

/** A Route that waits for the latest revision only says so: readiness tells what the Configuration says of why. */
function tellDeepestCause(conditions: ConditionDraft, configuration: Configuration): void {
  const { status, reason = "", message = "" } = conditions.get("ConfigurationsReady") ?? { status: "True" };
  if (!lacksLatest(conditions.get("RoutesReady"), configuration) || !tellsCause(conditions)) return;
  if (status === "False") conditions.markFalse("ConfigurationsReady", reason, message);
  if (status === "Unknown") conditions.markUnknown("ConfigurationsReady", reason, message);
}

/**
 * Whether a Route lacks what the Configuration is to bring about, rather than a revision that it names itself. It says so
 * in its condition only: what it saw may be older than what the caches hold by now.
 */
function lacksLatest(routesReady: Condition | undefined, { metadata, status }: Configuration): boolean {
  const { reason, message } = routesReady ?? {};
  return [
    { kind: "Configuration", name: metadata.name } as const,
    { kind: "Revision", name: status?.latestCreatedRevisionName ?? "" } as const,
  ]
    .flatMap((target) => [true, false].map((failed) => describeProblem({ type: "unready", ...target, failed })))
    .some((problem) => problem.reason === reason && problem.message === message);
}

function copyFields<S extends object, K extends keyof S>(
  to: S,
  from: Partial<Pick<S, K>> | undefined,
  fields: readonly K[],
) {
  for (const field of fields) {
    const value = from?.[field];
    if (value === undefined) delete to[field];
    else to[field] = value as S[K];
  }
}

/** Whether the Route's shares are what it asks for, with the latest ready revision in place of the Configuration. */
function followsLatest(route: Route, configuration: Configuration): boolean {
  const wanted = (route.spec.traffic ?? []).map(({ url: _, latestRevision: __, ...target }) => {
    if (target.configurationName !== configuration.metadata.name) return target;
    const { configurationName: ___, ...share } = target;
    return { ...share, revisionName: configuration.status?.latestReadyRevisionName };
  });
  const actual = (route.status?.traffic ?? []).map(({ url: _, latestRevision: __, ...target }) => target);
  return semanticEqual(wanted, actual);
}

function isObserved(child: Configuration | Route): boolean {
  return (child.metadata.generation ?? 0) === (child.status?.observedGeneration ?? 0);
}

function notOwned(kind: string, name: string): string {
  return `There is an existing ${kind} "${name}" that we do not own.`;
}
