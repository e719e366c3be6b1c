import type { FeaturesConfig } from "../../config/features.ts";
import type {
  Container,
  ContainerPort,
  EnvVar,
  ResourceRequirements,
  SecurityContext,
  VolumeMount,
} from "../core/container.ts";
import type { PodSecurityContext, PodSpec } from "../core/pod-spec.ts";
import type { Probe } from "../core/probe.ts";
import type { Volume, VolumeProjection } from "../core/volume.ts";
import { byBytes, disallowed, type Findings, none } from "../field-error.ts";

/**
 * Which fields of Kubernetes' types users may set: all that are named, those with a function only where it agrees.
 * A name ending in Mask is for the type that it begins with. Source: serving v0.42.2 pkg/apis/serving/fieldmask.go.
 */
export type Mask<T> = {
  readonly [F in keyof T]?: true | ((value: NonNullable<T[F]>, features: FeaturesConfig) => boolean);
};

/** The fields of a value that its mask does not let through. */
export function maskedFields<T extends object>(
  mask: Mask<T>,
  value: T | undefined,
  features: FeaturesConfig,
): Findings {
  if (!value) return none;
  const refused = Object.keys(value).filter((name) => {
    const rule = Object.hasOwn(mask, name) ? mask[name as keyof T] : undefined;
    const field = value[name as keyof T];
    if (field === undefined) return false;
    return rule === undefined || (rule !== true && !rule(field as NonNullable<T[keyof T]>, features));
  });
  return refused.length === 0 ? none : disallowed(...refused.sort(byBytes));
}

/** A field that a feature lets through, unless it is Disabled. */
const unlessDisabled = (feature: keyof FeaturesConfig) => (_value: unknown, features: FeaturesConfig) =>
  features[feature] !== "Disabled";

export const podSpecMask: Mask<PodSpec> = {
  containers: true,
  enableServiceLinks: true,
  imagePullSecrets: true,
  serviceAccountName: true,
  volumes: true,
  automountServiceAccountToken: (mount) => !mount,
  securityContext: (_value, features) =>
    features.podSpecSecurityContext !== "Disabled" || features.securePodDefaults !== "Disabled",
  affinity: unlessDisabled("podSpecAffinity"),
  dnsConfig: unlessDisabled("podSpecDNSConfig"),
  dnsPolicy: unlessDisabled("podSpecDNSPolicy"),
  hostAliases: unlessDisabled("podSpecHostAliases"),
  initContainers: unlessDisabled("podSpecInitContainers"),
  nodeSelector: unlessDisabled("podSpecNodeSelector"),
  priorityClassName: unlessDisabled("podSpecPriorityClassName"),
  runtimeClassName: unlessDisabled("podSpecRuntimeClassName"),
  schedulerName: unlessDisabled("podSpecSchedulerName"),
  shareProcessNamespace: unlessDisabled("podSpecShareProcessNamespace"),
  tolerations: unlessDisabled("podSpecTolerations"),
  topologySpreadConstraints: unlessDisabled("podSpecTopologySpreadConstraints"),
};

const withPodSecurityContext = unlessDisabled("podSpecSecurityContext");

export const podSecurityContextMask: Mask<PodSecurityContext> = {
  runAsUser: withPodSecurityContext,
  runAsGroup: withPodSecurityContext,
  runAsNonRoot: withPodSecurityContext,
  fsGroup: withPodSecurityContext,
  supplementalGroups: withPodSecurityContext,
  seccompProfile: (profile, features) => {
    if (features.podSpecSecurityContext !== "Disabled") return true;
    const isKnown = profile.type === "RuntimeDefault" || profile.type === "Unconfined";
    return features.securePodDefaults === "Enabled" && isKnown && profile.localhostProfile === undefined;
  },
};

export const containerMask: Mask<Container> = {
  name: true,
  args: true,
  command: true,
  env: true,
  workingDir: true,
  envFrom: true,
  image: true,
  imagePullPolicy: true,
  livenessProbe: true,
  ports: true,
  readinessProbe: true,
  resources: true,
  securityContext: true,
  startupProbe: true,
  terminationMessagePath: true,
  terminationMessagePolicy: true,
  volumeMounts: true,
};

export const securityContextMask: Mask<SecurityContext> = {
  capabilities: true,
  readOnlyRootFilesystem: true,
  runAsUser: true,
  runAsGroup: true,
  runAsNonRoot: true,
  allowPrivilegeEscalation: true,
  seccompProfile: true,
};

export const capabilitiesMask: Mask<NonNullable<SecurityContext["capabilities"]>> = {
  drop: true,
  add: (added, features) => {
    if (features.containerSpecAddCapabilities === "Enabled") return true;
    return features.securePodDefaults === "Enabled" && added.length === 1 && added[0] === "NET_BIND_SERVICE";
  },
};

export const containerPortMask: Mask<ContainerPort> = { containerPort: true, name: true, protocol: true };

export const resourcesMask: Mask<ResourceRequirements> = { limits: true, requests: true };

export const envVarSourceMask: Mask<NonNullable<EnvVar["valueFrom"]>> = {
  configMapKeyRef: true,
  secretKeyRef: true,
  fieldRef: unlessDisabled("podSpecFieldRef"),
  resourceFieldRef: unlessDisabled("podSpecFieldRef"),
};

export const volumeMountMask: Mask<VolumeMount> = { name: true, readOnly: true, mountPath: true, subPath: true };

export const probeMask: Mask<Probe> = {
  exec: true,
  httpGet: true,
  tcpSocket: true,
  grpc: true,
  initialDelaySeconds: true,
  timeoutSeconds: true,
  periodSeconds: true,
  successThreshold: true,
  failureThreshold: true,
};

export const volumeMask: Mask<Volume> = {
  name: true,
  secret: true,
  configMap: true,
  projected: true,
  emptyDir: unlessDisabled("podSpecVolumesEmptyDir"),
  persistentVolumeClaim: unlessDisabled("podSpecPersistentVolumeClaim"),
};

export const volumeProjectionMask: Mask<VolumeProjection> = {
  secret: true,
  configMap: true,
  serviceAccountToken: true,
  downwardAPI: true,
};
