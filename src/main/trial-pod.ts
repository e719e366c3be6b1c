import { Pod } from "../apis/core/pod.ts";
import { apiVersionOf } from "../apis/kind.ts";
import type { Revision } from "../apis/serving/revision.ts";
import type { ServingConfig } from "../config/serving-config.ts";
import type { Client } from "../kube/api.ts";
import { makeBarePodSpec } from "../reconcilers/revision/pod-spec.ts";
import { makeUserContainers } from "../reconcilers/revision/user-containers.ts";

/** Has the API server check the pod that a revision would have, without making it. Source: serving v0.42.2 pkg/webhook. */
export async function createTrialPod(client: Client, revision: Revision, config: ServingConfig): Promise<void> {
  const { namespace } = revision.metadata;
  await client.of(Pod).create(
    {
      apiVersion: apiVersionOf(Pod),
      kind: Pod.kind,
      metadata: { name: "", generateName: "dry-run-validation", ...(namespace && { namespace }) },
      spec: makeBarePodSpec(revision, makeUserContainers(revision), config),
    },
    { dryRun: true },
  );
}
