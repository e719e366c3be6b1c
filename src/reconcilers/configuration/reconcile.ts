import { type ConditionDraft, conditionOf, conditionSet, isFalse, isTrue } from "../../apis/conditions.ts";
import { draftConditions, observed, silenceMs, waitUnderWay } from "../../apis/observed.ts";
import { Configuration } from "../../apis/serving/configuration.ts";
import { configurationAdmission } from "../../apis/serving/configuration-admission.ts";
import { Revision } from "../../apis/serving/revision.ts";
import { isOfKnativeService } from "../../apis/serving/service.ts";
import { defaultServingConfig, type ServingConfig } from "../../config/serving-config.ts";
import type { ClusterAccess, Lister, Outcome, Pass, Writer } from "../../kube/api.ts";
import { failure, isAlreadyExists, reasonFor } from "../../kube/errors.ts";
import { semanticEqual } from "../../kube/semantic.ts";
import { defaulted } from "../defaulted.ts";
import { generationOf, indexRevisions, revisionsOf } from "../revisions-of.ts";
import { namedRevision } from "./named-revision.ts";
import { makeRevision } from "./revision.ts";

export interface ConfigurationDeps {
  readonly revisions: Lister<Revision>;
  readonly writeRevisions: Pick<Writer<Revision>, "create">;
}

export const configurationReconciler = {
  kind: Configuration,
  reconcile: reconcileConfiguration,
  deps: ({ client, informers }: ClusterAccess) => ({
    revisions: indexRevisions(informers.of(Revision)),
    writeRevisions: client.of(Revision),
  }),
};

const conditionsOfConfiguration = conditionSet("Ready");

/**
 * Makes the Revision of the Configuration's present generation, and says which Revision is the latest and which the
 * latest ready one. Source: serving v0.42.2 pkg/reconciler/configuration.
 */
async function reconcileConfiguration(
  stored: Configuration,
  deps: ConfigurationDeps,
  pass: Pass<ServingConfig>,
): Promise<Outcome<Configuration>> {
  // Not the cluster's own defaults: those were filled in when the template was admitted.
  const configuration = defaulted(stored, configurationAdmission, defaultServingConfig);
  const conditions = draftConditions(configuration, conditionsOfConfiguration, pass.clock);
  let { latestCreatedRevisionName, latestReadyRevisionName } = configuration.status ?? {};
  // A Service with a revision name of the user's waits for the word that the name was free.
  const isNamed = Boolean(configuration.spec.template.metadata?.name);
  const finish = (error?: unknown): Outcome<Configuration> => ({
    status: {
      ...configuration.status,
      ...(latestCreatedRevisionName && { latestCreatedRevisionName }),
      ...(latestReadyRevisionName && { latestReadyRevisionName }),
      ...observed(configuration, conditions),
    },
    ...(!isNamed && wait(configuration, conditions)),
    ...(error !== undefined && { error }),
  });

  const named = namedRevision(configuration, deps.revisions);
  if (named.is === "taken") {
    markCreationFailed(`revisions.serving.knative.dev "${named.name}" already exists`);
    return finish();
  }
  let latest = named.is === "ours" ? named.revision : undefined;
  if (named.is === "unnamed") latest = revisionOfGeneration(configuration, deps.revisions);
  if (!latest) {
    try {
      const revision = makeRevision(configuration, pass.clock.now());
      latest = await deps.writeRevisions.create(revision, { signal: pass.signal });
      pass.events.normal("Created", `Created Revision "${latest.metadata.name}"`);
    } catch (error) {
      // The cache has not seen yet what we made before: names are predictable, so the next pass finds it.
      if (!isAlreadyExists(error)) {
        pass.events.warning("CreationFailed", `Failed to create Revision: ${reasonFor(error)}`);
        markCreationFailed(reasonFor(error));
      }
      return finish(failure("failed to create Revision", error));
    }
  }

  const { name } = latest.metadata;
  latestCreatedRevisionName = name;
  const ready = conditionOf(latest, "Ready");
  if (latestReadyRevisionName !== name) {
    // A reason without words ("Deploying") tells a user nothing new.
    const isTelling = ready?.status === "Unknown" && Boolean(ready.message);
    conditions.markUnknown("Ready", isTelling ? ready.reason : "", isTelling ? ready.message : "");
  }
  if (isTrue(ready)) {
    if (!latestReadyRevisionName) pass.events.normal("ConfigurationReady", "Configuration becomes ready");
  } else if (isFalse(ready)) {
    const before = conditions.get("Ready");
    conditions.markFalse("Ready", "RevisionFailed", `Revision "${name}" failed with message: ${ready?.message ?? ""}.`);
    if (!semanticEqual(before, conditions.get("Ready"))) {
      if (name === latestReadyRevisionName) {
        pass.events.warning("LatestReadyFailed", `Latest ready revision "${name}" has failed`);
      } else {
        pass.events.warning("LatestCreatedFailed", `Latest created revision "${name}" has failed`);
      }
    }
  }

  const candidates = candidatesForReady(configuration, latest, named.is !== "unnamed", deps.revisions);
  const newest = candidates.find(isReady);
  if (newest) {
    if (newest.metadata.name !== latestReadyRevisionName) {
      pass.events.normal("LatestReadyUpdate", `LatestReadyRevisionName updated to "${newest.metadata.name}"`);
    }
    latestReadyRevisionName = newest.metadata.name;
    if (latestReadyRevisionName === latestCreatedRevisionName) conditions.markTrue("Ready");
  }
  return finish();

  function markCreationFailed(message: string) {
    conditions.markFalse("Ready", "RevisionFailed", `Revision creation failed with message: ${message}.`);
  }
}

/** A Service tells people how its Configuration is, which only has to say what its Revision complains of: that at once. */
function wait(configuration: Configuration, conditions: ConditionDraft): { statusMayWaitMs?: number } {
  if (conditions.get("Ready")?.message) return {};
  const isPart = isOfKnativeService(configuration);
  const options = { isPart, ...(isPart && { mayWaitMs: silenceMs }) };
  return waitUnderWay(configuration, conditions, conditionsOfConfiguration, options);
}

function revisionOfGeneration(configuration: Configuration, revisions: Lister<Revision>): Revision | undefined {
  const { generation = 0 } = configuration.metadata;
  return revisionsOf(revisions, configuration).find((revision) => generationOf(revision) === generation);
}

/**
 * The revisions that may be the latest ready one, newest first: from the one that is it now up to the present
 * generation. Where that one is gone, all are looked at, so that an earlier one takes over.
 */
function candidatesForReady(
  configuration: Configuration,
  latest: Revision,
  namedByUser: boolean,
  revisions: Lister<Revision>,
): Revision[] {
  const { namespace = "", generation = 0 } = configuration.metadata;
  const readyName = configuration.status?.latestReadyRevisionName;
  const present = readyName ? revisions.get({ name: readyName, namespace }) : undefined;
  const start = present && (generationOf(present) ?? generation);
  const extra = namedByUser ? generationOf(latest) : undefined;
  const anyGeneration = start === undefined || (start > generation && extra === undefined);
  const wanted = (revision: Revision) => {
    const own = generationOf(revision);
    return anyGeneration || (own !== undefined && ((own >= start && own <= generation) || own === extra));
  };
  const isNamed = (revision: Revision) => revision.metadata.name === configuration.spec.template.metadata?.name;
  return revisionsOf(revisions, configuration)
    .filter(wanted)
    .sort((a, b) => Number(isNamed(b)) - Number(isNamed(a)) || (generationOf(b) ?? 0) - (generationOf(a) ?? 0));
}

function isReady(revision: Revision): boolean {
  const current = (revision.status?.observedGeneration ?? 0) === (revision.metadata.generation ?? 0);
  return current && isTrue(conditionOf(revision, "Ready"));
}
