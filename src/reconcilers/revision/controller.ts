import { isPodReady, type Pod } from "../../apis/core/pod.ts";
import { keyOf } from "../../apis/meta.ts";
import { revisionLabel } from "../../apis/serving/labels.ts";
import { Revision } from "../../apis/serving/revision.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, ownedBy, startController, watching } from "../../kube/controller.ts";
import { createAmbientKeychains } from "./digest/keychains/ambient.ts";
import type { Surroundings } from "./digest/keychains/keychain.ts";
import { createPullSecrets } from "./digest/pull-secrets.ts";
import { createRegistryClient } from "./digest/registry.ts";
import { createDigestResolver } from "./digest/resolver.ts";
import { createRegistryTransport, type RegistryTransportOptions } from "./digest/transport.ts";
import { createCertificates } from "./queue-certificate.ts";
import type { Installation } from "./queue-container.ts";
import { revisionReconciler } from "./reconcile.ts";

export interface RevisionSettings {
  readonly installation: Installation;
  readonly registries: RegistryTransportOptions;
  /** Where the credentials of clouds come from. */
  readonly surroundings: Pick<Surroundings, "env" | "readFile">;
}

/** Passes may wait a moment for a registry, so that more of them than usual are under way. */
const concurrency = 32;

/** Starts the controller that runs Revisions as Deployments. */
export function startRevisionController(
  context: ControllerContext<ServingConfig>,
  { installation, registries, surroundings }: RevisionSettings,
): Controller {
  const { client, informers, clock, log, signal } = context;
  const revisions = informers.of(Revision);

  const transport = createRegistryTransport(registries);
  const digests = createDigestResolver({ clock, log });
  const certificates = createCertificates(client, informers);
  const deps = revisionReconciler.deps(context, {
    installation,
    digests,
    registry: createRegistryClient(transport, clock),
    pullSecrets: createPullSecrets(client, clock),
    keychains: createAmbientKeychains({ ...surroundings, send: transport.send, clock }),
    ensureCertificate: certificates.ensure,
  });
  const { pods, warnings } = deps;

  const controller = startController(context, {
    ...revisionReconciler,
    name: "revision-controller",
    concurrency,
    deps,
    watches: [
      watching(deps.deployments, ownedBy(Revision)),
      watching(deps.podAutoscalers, ownedBy(Revision)),
      watching(pods, (pod) => (isPodReady(pod) ? [] : revisionKeysOf(pod))),
      watching(warnings, ({ involvedObject }) => {
        const { name = "", namespace = "" } = involvedObject ?? {};
        const pod = pods.get({ name, namespace });
        return pod ? revisionKeysOf(pod) : [];
      }),
      certificates.watch,
    ],
  });
  digests.onResult((key) => controller.enqueue(key));
  const stop = revisions.onChange((change) => {
    if (change.type !== "deleted") return;
    digests.forget(keyOf(change.object));
    deps.futile.delete(keyOf(change.object));
  });
  const done = controller.done.finally(() => {
    stop();
    digests.close();
    transport.close();
  });
  signal.addEventListener("abort", () => digests.close(), { once: true });
  return { ...controller, done };
}

function revisionKeysOf({ metadata }: Pod): string[] {
  const revision = metadata.labels?.[revisionLabel];
  return revision === undefined ? [] : [`${metadata.namespace}/${revision}`];
}
