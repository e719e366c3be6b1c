import { Configuration } from "../../apis/serving/configuration.ts";
import { Revision } from "../../apis/serving/revision.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import type { ClusterAccess, Lister, Outcome, Pass, Writer } from "../../kube/api.ts";
import { isNotFound } from "../../kube/errors.ts";
import { indexRevisions, revisionsOf } from "../revisions-of.ts";
import { collect } from "./collect.ts";

export interface GcDeps {
  readonly revisions: Lister<Revision>;
  readonly writeRevisions: Pick<Writer<Revision>, "delete">;
}

export const gcReconciler = {
  kind: Configuration,
  reconcile: reconcileGc,
  deps: ({ client, informers }: ClusterAccess) => ({
    revisions: indexRevisions(informers.of(Revision)),
    writeRevisions: client.of(Revision),
  }),
};

/** Deletes the Configuration's Revisions that are no longer kept, and looks again when the next one's time comes. */
async function reconcileGc(
  configuration: Configuration,
  deps: GcDeps,
  pass: Pass<ServingConfig>,
): Promise<Outcome<Configuration>> {
  const revisions = revisionsOf(deps.revisions, configuration).filter(({ metadata }) => !metadata.deletionTimestamp);
  const { doomed, nextLookMs } = collect(configuration, revisions, pass.config.gc, pass.clock.now());
  const failures: unknown[] = [];
  for (const { metadata } of doomed) {
    const { name, namespace = "", uid } = metadata;
    pass.log.info("deleting a revision that is no longer kept", { revision: name });
    const preconditions = uid ? { preconditions: { uid } } : {};
    await deps.writeRevisions.delete({ name, namespace }, { ...preconditions, signal: pass.signal }).catch((error) => {
      if (!isNotFound(error)) failures.push(error);
    });
  }
  return {
    ...(nextLookMs !== undefined && { requeueAfterMs: nextLookMs }),
    ...(failures.length > 0 && { error: failures[0] }),
  };
}
