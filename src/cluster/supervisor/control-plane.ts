import { createHash } from "node:crypto";
import { join } from "node:path";
import { Namespace } from "../../apis/core/namespace.ts";
import { isPodReady, Pod } from "../../apis/core/pod.ts";
import { StatefulSet } from "../../apis/core/statefulset.ts";
import { MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from "../../apis/core/webhookconfiguration.ts";
import { makeCustomResourceDefinition } from "../../apis/crd.ts";
import type { Kind } from "../../apis/kind.ts";
import { istioKinds } from "../../apis/kinds.ts";
import type { KubeObject } from "../../apis/meta.ts";
import { istioNamespace } from "../../config/istio.ts";
import type { Client } from "../../kube/api.ts";
import { isNotFound } from "../../kube/errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { applyOverlay, type Images, inApplyOrder, readManifests, resolveImages } from "../manifests.ts";
import { applyObjects } from "./apply.ts";
import { type ClusterState, type DataDirectory, requireSpace } from "./data-directory.ts";

const manager = "hakn-up";
/** Which template of its StatefulSet a pod was made from. */
const revisionLabel = "controller-revision-hash";
const controlPlane = { namespace: "knative-serving", name: "controlplane" };
const readyTimeoutMs = 60_000;

/** All objects of the control plane in the embedded cluster, `gateway` being those that make it find the gateway. */
export function controlPlaneObjects(
  manifestDirectory: string,
  images: Images,
  gateway: readonly KubeObject[],
): KubeObject[] {
  return inApplyOrder([
    ...istioKinds.map((kind) => makeCustomResourceDefinition(kind) as KubeObject),
    { apiVersion: "v1", kind: Namespace.kind, metadata: { name: istioNamespace } },
    ...applyOverlay(
      [...readManifests(join(manifestDirectory, "crds")), ...readManifests(manifestDirectory)],
      readManifests(join(manifestDirectory, "embedded")),
    ).map((object) => resolveImages(object, images)),
    ...gateway,
  ]);
}

/**
 * Applies the control plane's objects unless the very same were applied before. What admission would refuse while it is
 * down must not be in the way, so the webhook configurations are taken away first and come back last.
 */
export async function applyIfChanged(
  client: Client,
  objects: readonly KubeObject[],
  directory: DataDirectory,
  state: ClusterState,
): Promise<void> {
  const applied = createHash("sha256").update(JSON.stringify(objects)).digest("hex");
  if (state.applied === applied) return;
  if (state.applied !== undefined) {
    for (const object of objects.filter(({ kind }) => kind.endsWith("WebhookConfiguration"))) {
      await removeWebhook(client, object);
    }
  }
  await applyObjects(client, objects, manager);
  directory.writeState({ ...state, applied });
}

async function removeWebhook(client: Client, { kind, metadata: { name } }: KubeObject): Promise<void> {
  const resource: Kind =
    kind === MutatingWebhookConfiguration.kind ? MutatingWebhookConfiguration : ValidatingWebhookConfiguration;
  try {
    await client.of(resource).delete({ name });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/**
 * Waits until every replica of the control plane is ready, which includes that it serves admission. Rejects with
 * DataDirectoryError once the disk is full: nobody can write then that it is ready.
 */
export async function controlPlaneReady(
  client: Client,
  directory: Pick<DataDirectory, "path">,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const deadline = clock.monotonic() + readyTimeoutMs;
  const { namespace, name } = controlPlane;
  for (;;) {
    const set = await client.of(StatefulSet).get(controlPlane);
    const { items } = await client.of(Pod).list({ namespace, labelSelector: `app=${name}` });
    const { replicas = 1 } = set.spec;
    const current = items.filter(({ metadata }) => metadata.labels?.[revisionLabel] === set.status?.updateRevision);
    const ready = current.filter(isPodReady).length;
    if (ready >= replicas) return;
    requireSpace(directory.path);
    if (clock.monotonic() > deadline) {
      throw new Error(
        `the control plane is not ready after ${readyTimeoutMs / 1000} s (${ready} of ${replicas} replicas of ` +
          `StatefulSet ${namespace}/${name}): \`kubectl describe pods -n ${namespace}\` says why`,
      );
    }
    await clock.sleep(50, signal);
  }
}
