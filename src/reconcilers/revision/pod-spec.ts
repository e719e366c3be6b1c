import type { Container, PodSpec, Volume, VolumeMount } from "../../apis/core/pod-spec.ts";
import { revisionLabel } from "../../apis/serving/labels.ts";
import type { Revision } from "../../apis/serving/revision.ts";
import { runtimeClassNameFor } from "../../config/deployment.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Installation, makeQueueContainer, queueContainerName } from "./queue-container.ts";
import { makeUserContainers } from "./user-containers.ts";

/** The Secret with the certificate that queue-proxy serves, where traffic inside the system is encrypted. */
export const servingCertificateName = "serving-certs";
const tokenLifetimeSeconds = 3600;

/**
 * The pod of a revision: the user's containers, queue-proxy and what it needs. Throws an Error where a probe cannot be
 * handed to queue-proxy. Source: serving v0.42.2 pkg/reconciler/revision/resources/deploy.go.
 */
export function makePodSpec(revision: Revision, config: ServingConfig, installation: Installation): PodSpec {
  const additions = makeQueueVolumes(revision, config);
  const queue = makeQueueContainer(revision, config, installation);
  const mounts = additions.flatMap(({ mount }) => mount);
  const users = makeUserContainers(revision);
  const collectsLogs = config.observability.enableVarLogCollection;
  const containers = [
    ...(collectsLogs ? users.map(withVarLog) : users),
    { ...queue, ...(mounts.length > 0 && { volumeMounts: mounts }) },
  ];
  const spec = makeBarePodSpec(revision, containers, config);
  const volumes = [
    ...(spec.volumes ?? []),
    ...additions.map(({ volume }) => volume),
    ...(collectsLogs ? [{ name: varLogVolume, emptyDir: {} }] : []),
  ];
  const runtimeClassName = spec.runtimeClassName ?? runtimeClassNameFor(config.deployment, revision.metadata.labels);
  return {
    ...spec,
    ...(volumes.length > 0 && { volumes }),
    ...(runtimeClassName !== undefined && { runtimeClassName }),
    ...(!spec.affinity &&
      config.deployment.defaultAffinityType === "prefer-spread-revision-over-nodes" &&
      spread(revision)),
  };
}

/** The user's pod with these containers, without anything that queue-proxy needs: also what a dry run asks about. */
export function makeBarePodSpec(
  revision: Revision,
  containers: Container[],
  config: Pick<ServingConfig, "defaults"> | undefined,
): PodSpec {
  const {
    containerConcurrency: _,
    timeoutSeconds,
    responseStartTimeoutSeconds: __,
    idleTimeoutSeconds: ___,
    ...pod
  } = revision.spec;
  const enableServiceLinks = pod.enableServiceLinks ?? config?.defaults.enableServiceLinks;
  return {
    ...pod,
    containers,
    ...(timeoutSeconds !== undefined && { terminationGracePeriodSeconds: timeoutSeconds }),
    ...(enableServiceLinks !== undefined && { enableServiceLinks }),
  };
}

interface MountedVolume {
  readonly volume: Volume;
  readonly mount: VolumeMount;
}

function makeQueueVolumes(revision: Revision, config: ServingConfig): MountedVolume[] {
  const volumes: MountedVolume[] = [];
  const wish = revision.metadata.annotations?.["features.knative.dev/queueproxy-podinfo"];
  const { queueProxyMountPodInfo } = config.features;
  if (
    queueProxyMountPodInfo === "Enabled" ||
    (queueProxyMountPodInfo === "Allowed" && wish?.toLowerCase() === "enabled")
  ) {
    volumes.push({
      volume: {
        name: "pod-info",
        downwardAPI: { items: [{ path: "annotations", fieldRef: { fieldPath: "metadata.annotations" } }] },
      },
      mount: { name: "pod-info", mountPath: "/etc/podinfo", readOnly: true },
    });
  }
  const audiences = [...config.deployment.queueSidecarTokenAudiences].filter((audience) => audience !== "").sort();
  if (audiences.length > 0) {
    const sources = audiences.map((audience) => ({
      serviceAccountToken: { expirationSeconds: tokenLifetimeSeconds, path: audience, audience },
    }));
    volumes.push({
      volume: { name: "knative-token-volume", projected: { sources } },
      mount: { name: "knative-token-volume", mountPath: "/var/run/secrets/tokens" },
    });
  }
  if (config.network.systemInternalTLS === "enabled") {
    volumes.push({
      volume: { name: "server-certs", secret: { secretName: servingCertificateName } },
      mount: { name: "server-certs", mountPath: "/var/lib/knative/certs", readOnly: true },
    });
  }
  return volumes;
}

const varLogVolume = "knative-var-log";

/** Keeps what a program writes under /var/log where a collector on the node finds it. */
function withVarLog(container: Container): Container {
  if (container.name === queueContainerName) return container;
  const subPathExpr = `$(K_INTERNAL_POD_NAMESPACE)_$(K_INTERNAL_POD_NAME)_${container.name}`;
  return {
    ...container,
    volumeMounts: [...(container.volumeMounts ?? []), { name: varLogVolume, mountPath: "/var/log", subPathExpr }],
    env: [
      ...(container.env ?? []),
      { name: "K_INTERNAL_POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      { name: "K_INTERNAL_POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
    ],
  };
}

function spread(revision: Revision): Pick<PodSpec, "affinity"> {
  const labelSelector = { matchLabels: { [revisionLabel]: revision.metadata.name } };
  const podAffinityTerm = { topologyKey: "kubernetes.io/hostname", labelSelector };
  return {
    affinity: {
      podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }] },
    },
  };
}
