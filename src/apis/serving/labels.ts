/** Well-known labels and annotations of the group serving.knative.dev. Source: knative.dev/serving pkg/apis/serving, v0.42.2. */
export const servingGroup = "serving.knative.dev";

export const configurationLabel = "serving.knative.dev/configuration";
export const configurationGenerationLabel = "serving.knative.dev/configurationGeneration";
export const configurationUidLabel = "serving.knative.dev/configurationUID";
export const revisionLabel = "serving.knative.dev/revision";
export const revisionUidLabel = "serving.knative.dev/revisionUID";
export const routeLabel = "serving.knative.dev/route";
export const routeNamespaceLabel = "serving.knative.dev/routeNamespace";
export const serviceLabel = "serving.knative.dev/service";
export const serviceUidLabel = "serving.knative.dev/serviceUID";
export const domainMappingUidLabel = "serving.knative.dev/domainMappingUID";
export const domainMappingNamespaceLabel = "serving.knative.dev/domainMappingNamespace";
/** A revision's place in routing: active, reserve or pending. */
export const routingStateLabel = "serving.knative.dev/routingState";

export const routingStateModifiedAnnotation = "serving.knative.dev/routingStateModified";
/** The routes (comma-separated) that refer to a configuration or revision. */
export const routesAnnotation = "serving.knative.dev/routes";
export const lastPinnedAnnotation = "serving.knative.dev/lastPinned";
/** Keeps a revision from garbage collection. */
export const noGcAnnotation = "serving.knative.dev/no-gc";
export const creatorAnnotation = "serving.knative.dev/creator";
export const lastModifierAnnotation = "serving.knative.dev/lastModifier";
export const progressDeadlineAnnotation = "serving.knative.dev/progress-deadline";
/** How long traffic moves to the latest revision; the first key wins over the second. */
export const rolloutDurationAnnotations = [
  "serving.knative.dev/rollout-duration",
  "serving.knative.dev/rolloutDuration",
] as const;

export const queueResourcePercentageAnnotations = [
  "queue.sidecar.serving.knative.dev/resource-percentage",
  "queue.sidecar.serving.knative.dev/resourcePercentage",
] as const;
export const queueCpuRequestAnnotation = "queue.sidecar.serving.knative.dev/cpu-resource-request";
export const queueCpuLimitAnnotation = "queue.sidecar.serving.knative.dev/cpu-resource-limit";
export const queueMemoryRequestAnnotation = "queue.sidecar.serving.knative.dev/memory-resource-request";
export const queueMemoryLimitAnnotation = "queue.sidecar.serving.knative.dev/memory-resource-limit";
export const queueEphemeralStorageRequestAnnotation =
  "queue.sidecar.serving.knative.dev/ephemeral-storage-resource-request";
export const queueEphemeralStorageLimitAnnotation =
  "queue.sidecar.serving.knative.dev/ephemeral-storage-resource-limit";

/** The value of the networking visibility label that keeps a route inside the cluster. */
export const visibilityClusterLocal = "cluster-local";
/** Ours: "enabled" lets answers that have begun, and tunnels, outlive the revision's time limits; "disabled" is upstream's way. */
export const unlimitedStreamsAnnotation = "features.hakn.dev/unlimited-streams";
/** By which a user asks for the trial of a pod made from the template: "enabled", or "strict" where it has to be possible. */
export const podSpecDryRunAnnotation = "features.knative.dev/podspec-dryrun";
