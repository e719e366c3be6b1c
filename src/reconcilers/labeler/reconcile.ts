import { conditionOf, isFalse, isTrue } from "../../apis/conditions.ts";
import { keyOf } from "../../apis/meta.ts";
import type { Configuration } from "../../apis/serving/configuration.ts";
import type { Revision } from "../../apis/serving/revision.ts";
import type { Route } from "../../apis/serving/route.ts";
import { routesOf, routingStateOf } from "../../apis/serving/routing-state.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import type { Lister, Outcome, Pass, Writer } from "../../kube/api.ts";
import { isConflict, reasonFor } from "../../kube/errors.ts";
import type { Tracker } from "../../kube/tracker.ts";
import { type MetadataPatch, makeConfigurationPatch, makeRevisionPatch } from "./patch.ts";
import { targetsOf } from "./targets.ts";

export interface LabelerDeps {
  readonly revisions: Pick<Lister<Revision>, "get" | "byIndex">;
  readonly configurations: Pick<Lister<Configuration>, "get" | "byIndex">;
  readonly writeRevisions: Pick<Writer<Revision>, "patch">;
  readonly writeConfigurations: Pick<Writer<Configuration>, "patch">;
  readonly tracker: Pick<Tracker, "track">;
}

/** The index of both listers: "namespace/route" to the objects that say a Route refers to them. */
export const byRoute = "route";

/** The values of the `byRoute` index. */
export function routeKeysOf(object: Revision | Configuration): string[] {
  return routesOf(object).map((route) => `${object.metadata.namespace}/${route}`);
}

/**
 * Writes to Revisions and Configurations which Routes refer to them. Marks are taken away only once the Route is
 * settled, so that a revision does not scale down while traffic may still come.
 * Source: serving v0.42.2 pkg/reconciler/labeler.
 */
export async function reconcileRouteMarks(
  route: Route,
  deps: LabelerDeps,
  pass: Pass<ServingConfig>,
): Promise<Outcome<Route>> {
  const targets = targetsOf(route, deps);
  deps.tracker.track(keyOf(route), targets.references);
  if (isSettled(route)) await unmark(route, targets, deps, pass);

  const { name: routeName, namespace = "" } = route.metadata;
  for (const name of targets.revisions) {
    const revision = deps.revisions.get({ name, namespace });
    if (!revision) throw addFailure(namespace, name, new Error(`revision.serving.knative.dev "${name}" not found`));
    await apply(
      deps.writeRevisions,
      revision,
      makeRevisionPatch(revision, routeName, true, pass.clock.now()),
      pass,
    ).catch((error) => {
      throw addFailure(namespace, name, error);
    });
  }
  for (const name of targets.configurations) {
    const configuration = deps.configurations.get({ name, namespace });
    if (!configuration) continue;
    await apply(
      deps.writeConfigurations,
      configuration,
      makeConfigurationPatch(configuration, routeName, true),
      pass,
    ).catch((error) => {
      throw addFailure(namespace, name, error);
    });
  }
  return {};
}

/** Takes every mark of a Route away that is being deleted. */
export async function finalizeRouteMarks(route: Route, deps: LabelerDeps, pass: Pass<ServingConfig>): Promise<void> {
  await unmark(route, { revisions: new Set(), configurations: new Set() }, deps, pass);
  deps.tracker.track(keyOf(route), []);
}

/** Takes the Route's mark from whatever carries it and is not to be kept. */
async function unmark(
  route: Route,
  keep: { readonly revisions: ReadonlySet<string>; readonly configurations: ReadonlySet<string> },
  deps: LabelerDeps,
  pass: Pass<ServingConfig>,
): Promise<void> {
  const { name: routeName } = route.metadata;
  for (const revision of deps.revisions.byIndex(byRoute, keyOf(route))) {
    if (keep.revisions.has(revision.metadata.name) || routingStateOf(revision) !== "active") continue;
    const patch = makeRevisionPatch(revision, routeName, false, pass.clock.now());
    await apply(deps.writeRevisions, revision, patch, pass).catch((error) => {
      throw removeFailure("serving.knative.dev/v1, Kind=Revision", revision.metadata.name, error);
    });
  }
  for (const configuration of deps.configurations.byIndex(byRoute, keyOf(route))) {
    if (keep.configurations.has(configuration.metadata.name)) continue;
    const patch = makeConfigurationPatch(configuration, routeName, false);
    await apply(deps.writeConfigurations, configuration, patch, pass).catch((error) => {
      throw removeFailure("serving.knative.dev/v1, Kind=Configuration", configuration.metadata.name, error);
    });
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

function addFailure(namespace: string, name: string, cause: unknown): unknown {
  if (isConflict(cause)) return cause;
  const place = `Namespace=${namespace} Name="${name}"`;
  return new Error(`failed to add route annotation to ${place}: ${reasonFor(cause)}`, { cause });
}

function removeFailure(kind: string, name: string, cause: unknown): unknown {
  if (isConflict(cause)) return cause;
  return new Error(`failed to remove route annotation to ${kind} "${name}": ${reasonFor(cause)}`, { cause });
}
