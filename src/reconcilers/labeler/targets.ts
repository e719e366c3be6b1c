import { controllerOf } from "../../apis/meta.ts";
import { Configuration } from "../../apis/serving/configuration.ts";
import { Revision } from "../../apis/serving/revision.ts";
import type { Route } from "../../apis/serving/route.ts";
import type { Lister } from "../../kube/api.ts";
import type { TrackedReference } from "../../kube/tracker.ts";

/** What a Route refers to, by name. */
export interface RouteTargets {
  readonly revisions: ReadonlySet<string>;
  readonly configurations: ReadonlySet<string>;
  /** Everything that was looked up, whether it exists or not. */
  readonly references: readonly TrackedReference[];
}

/**
 * The Revisions and Configurations that a Route refers to, as it asks for and as it is: with the Configurations that
 * the Revisions come from and, where the latest revision is meant, the latest that was made, so that it may scale up
 * before traffic moves to it. Source: serving v0.42.2 pkg/reconciler/labeler metasync.go.
 */
export function targetsOf(
  route: Route,
  listers: {
    readonly revisions: Pick<Lister<Revision>, "get">;
    readonly configurations: Pick<Lister<Configuration>, "get">;
  },
): RouteTargets {
  const namespace = route.metadata.namespace ?? "";
  const revisions = new Set<string>();
  const configurations = new Set<string>();
  const references = new Map<string, TrackedReference>();

  for (const target of [...(route.status?.traffic ?? []), ...(route.spec.traffic ?? [])]) {
    let configurationName = target.configurationName;
    if (target.revisionName) {
      const name = target.revisionName;
      references.set(`revision ${name}`, { kind: Revision, name, namespace });
      const revision = listers.revisions.get({ name, namespace });
      if (!revision) continue;
      revisions.add(name);
      const owner = controllerOf(revision);
      if (owner?.kind === "Configuration") configurationName = owner.name;
    }
    if (configurationName) {
      const name = configurationName;
      references.set(`configuration ${name}`, { kind: Configuration, name, namespace });
      const configuration = listers.configurations.get({ name, namespace });
      if (!configuration) continue;
      configurations.add(name);
      const created = configuration.status?.latestCreatedRevisionName;
      if (created && target.latestRevision) {
        references.set(`revision ${created}`, { kind: Revision, name: created, namespace });
        revisions.add(created);
      }
    }
  }
  return { revisions, configurations, references: [...references.values()] };
}
