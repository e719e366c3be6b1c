import { conditionOf, isFalse, isTrue } from "../../apis/conditions.ts";
import { keyOf } from "../../apis/meta.ts";
import { Configuration } from "../../apis/serving/configuration.ts";
import { configurationLabel } from "../../apis/serving/labels.ts";
import { Revision } from "../../apis/serving/revision.ts";
import { Route } from "../../apis/serving/route.ts";
import { routesOf, routingStateOf } from "../../apis/serving/routing-state.ts";
import { isOfKnativeService } from "../../apis/serving/service.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import type { ClusterAccess, Lister, Outcome, Pass, Writer } from "../../kube/api.ts";
import { failed } from "../../kube/errors.ts";
import { createTracker, type Tracker } from "../../kube/tracker.ts";
import { generationOf } from "../revisions-of.ts";
import { type MetadataPatch, makeConfigurationPatch, makeRevisionPatch } from "./patch.ts";
import { targetsOf } from "./targets.ts";

export interface LabelerDeps {
  readonly revisions: Pick<Lister<Revision>, "get" | "byIndex">;
  readonly configurations: Pick<Lister<Configuration>, "get" | "byIndex">;
  readonly writeRevisions: Pick<Writer<Revision>, "patch">;
  readonly writeConfigurations: Pick<Writer<Configuration>, "patch">;
  readonly tracker: Pick<Tracker, "track">;
}

export const labelerReconciler = {
  kind: Route,
  reconcile: reconcileRouteMarks,
  finalizer: { name: "routes.serving.knative.dev", isNeeded: leavesMarks, finalize: finalizeRouteMarks },
  deps: ({ client, informers }: ClusterAccess) => {
    const revisions = informers.of(Revision);
    const configurations = informers.of(Configuration);
    revisions.addIndex(byRoute, routeKeysOf);
    configurations.addIndex(byRoute, routeKeysOf);
    const [writeRevisions, writeConfigurations] = [client.of(Revision), client.of(Configuration)];
    return {
      revisions,
      configurations,
      writeRevisions,
      writeConfigurations,
      tracker: createTracker(informers.of(Route)),
    };
  },
};

/** The index of both listers: "namespace/route" to the objects that say a Route refers to them. */
const byRoute = "route";

function routeKeysOf(object: Revision | Configuration): string[] {
  return routesOf(object).map((route) => `${object.metadata.namespace}/${route}`);
}

/**
 * Writes to Revisions and Configurations which Routes refer to them. Marks are taken away only once the Route is
 * settled, so that a revision does not scale down while traffic may still come.
 * Source: serving v0.42.2 pkg/reconciler/labeler.
 */
async function reconcileRouteMarks(
  route: Route,
  deps: LabelerDeps,
  pass: Pass<ServingConfig>,
): Promise<Outcome<Route>> {
  const targets = targetsOf(route, deps);
  deps.tracker.track(keyOf(route), targets.references);
  if (isSettled(route)) {
    await unmarkRevisions(route, targets.revisions, deps, pass);
    await unmarkConfigurations(route, targets.configurations, deps, pass);
  }

  const { name: routeName, namespace = "" } = route.metadata;
  const adding = (name: string) => failed(`failed to add route annotation to Namespace=${namespace} Name="${name}"`);
  for (const name of targets.revisions) {
    const revision = deps.revisions.get({ name, namespace });
    if (!revision) return adding(name)(new Error(`revision.serving.knative.dev "${name}" not found`));
    const patch = makeRevisionPatch(revision, routeName, true, pass.clock.now());
    await apply(deps.writeRevisions, revision, patch, pass).catch(adding(name));
  }
  for (const name of targets.configurations) {
    const configuration = deps.configurations.get({ name, namespace });
    if (!configuration) continue;
    const patch = makeConfigurationPatch(configuration, routeName, true);
    await apply(deps.writeConfigurations, configuration, patch, pass).catch(adding(name));
  }
  return {};
}

/**
 * Whether marks may outlive the Route. Those of a Service's Route that only follows the Service's own Configuration go
 * with the Service.
 */
export function leavesMarks(route: Route): boolean {
  const { name } = route.metadata;
  const ofService = isOfKnativeService(route);
  return !ofService || (route.spec.traffic ?? []).some(({ configurationName }) => configurationName !== name);
}

/** Takes every mark of a Route away that is being deleted. */
async function finalizeRouteMarks(route: Route, deps: LabelerDeps, pass: Pass<ServingConfig>): Promise<void> {
  await unmarkConfigurations(route, new Set(), deps, pass);
  await unmarkRevisions(route, new Set(), deps, pass);
}

/** Takes the Route's mark from the Revisions that carry it and are not to be kept. */
async function unmarkRevisions(
  route: Route,
  keep: ReadonlySet<string>,
  deps: LabelerDeps,
  pass: Pass<ServingConfig>,
): Promise<void> {
  for (const revision of deps.revisions.byIndex(byRoute, keyOf(route))) {
    const { name } = revision.metadata;
    if (keep.has(name) || routingStateOf(revision) !== "active" || isAhead(revision, deps)) continue;
    const patch = makeRevisionPatch(revision, route.metadata.name, false, pass.clock.now());
    await apply(deps.writeRevisions, revision, patch, pass).catch(
      failed(`failed to remove route annotation to serving.knative.dev/v1, Kind=Revision "${name}"`),
    );
  }
}

/**
 * Whether the Revision, which was made with the mark of its Configuration, is later than the latest one that the
 * Configuration, as it is cached, tells of. It is about to get traffic; the Configuration's change will ask again.
 */
function isAhead(revision: Revision, { revisions, configurations }: LabelerDeps): boolean {
  const namespace = revision.metadata.namespace ?? "";
  const configuration = configurations.get({ name: revision.metadata.labels?.[configurationLabel] ?? "", namespace });
  const latest = revisions.get({ name: configuration?.status?.latestCreatedRevisionName ?? "", namespace });
  const [own, known] = [generationOf(revision), latest && generationOf(latest)];
  return own !== undefined && known !== undefined && own > known;
}

/** Takes the Route's mark from the Configurations that carry it and are not to be kept. */
async function unmarkConfigurations(
  route: Route,
  keep: ReadonlySet<string>,
  deps: LabelerDeps,
  pass: Pass<ServingConfig>,
): Promise<void> {
  for (const configuration of deps.configurations.byIndex(byRoute, keyOf(route))) {
    const { name } = configuration.metadata;
    if (keep.has(name)) continue;
    const patch = makeConfigurationPatch(configuration, route.metadata.name, false);
    await apply(deps.writeConfigurations, configuration, patch, pass).catch(
      failed(`failed to remove route annotation to serving.knative.dev/v1, Kind=Configuration "${name}"`),
    );
  }
}

async function apply<T extends Revision | Configuration>(
  writer: Pick<Writer<T>, "patch">,
  object: T,
  body: MetadataPatch | undefined,
  pass: Pass<ServingConfig>,
): Promise<void> {
  if (!body) return;
  const { name, namespace = "" } = object.metadata;
  await writer.patch({ name, namespace }, { type: "merge", body }, { signal: pass.signal });
}

/** Ready or failed, and about the present spec. */
function isSettled(route: Route): boolean {
  const ready = conditionOf(route, "Ready");
  const current = (route.status?.observedGeneration ?? 0) === (route.metadata.generation ?? 0);
  return current && (isTrue(ready) || isFalse(ready));
}
