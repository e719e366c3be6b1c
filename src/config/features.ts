import { configParser, oneOf, overlay, type Row } from "./fields.ts";

/** Enabled: on. Disabled: off. Allowed: a user may turn it on for one object. */
export type Flag = "Enabled" | "Allowed" | "Disabled";

/** What users may do beyond the basics (config-features). Source: serving v0.42.2 pkg/apis/config. */
export type FeaturesConfig = { readonly [F in Feature]: Flag };
type Feature = (typeof flags)[number][1];

const flags = [
  ["multi-container", "multiContainer", "Enabled"],
  ["multi-container-probing", "multiContainerProbing", "Disabled"],
  ["kubernetes.podspec-affinity", "podSpecAffinity", "Disabled"],
  ["kubernetes.podspec-topologyspreadconstraints", "podSpecTopologySpreadConstraints", "Disabled"],
  ["kubernetes.podspec-dryrun", "podSpecDryRun", "Allowed"],
  ["kubernetes.podspec-hostaliases", "podSpecHostAliases", "Disabled"],
  ["kubernetes.podspec-fieldref", "podSpecFieldRef", "Disabled"],
  ["kubernetes.podspec-nodeselector", "podSpecNodeSelector", "Disabled"],
  ["kubernetes.podspec-runtimeclassname", "podSpecRuntimeClassName", "Disabled"],
  ["kubernetes.podspec-securitycontext", "podSpecSecurityContext", "Disabled"],
  ["kubernetes.podspec-shareprocessnamespace", "podSpecShareProcessNamespace", "Disabled"],
  ["kubernetes.podspec-priorityclassname", "podSpecPriorityClassName", "Disabled"],
  ["kubernetes.podspec-schedulername", "podSpecSchedulerName", "Disabled"],
  ["kubernetes.containerspec-addcapabilities", "containerSpecAddCapabilities", "Disabled"],
  ["kubernetes.podspec-tolerations", "podSpecTolerations", "Disabled"],
  ["kubernetes.podspec-volumes-emptydir", "podSpecVolumesEmptyDir", "Enabled"],
  ["kubernetes.podspec-init-containers", "podSpecInitContainers", "Disabled"],
  ["kubernetes.podspec-persistent-volume-claim", "podSpecPersistentVolumeClaim", "Disabled"],
  ["kubernetes.podspec-persistent-volume-write", "podSpecPersistentVolumeWrite", "Disabled"],
  ["kubernetes.podspec-dnspolicy", "podSpecDNSPolicy", "Disabled"],
  ["kubernetes.podspec-dnsconfig", "podSpecDNSConfig", "Disabled"],
  ["secure-pod-defaults", "securePodDefaults", "Disabled"],
  ["tag-header-based-routing", "tagHeaderBasedRouting", "Disabled"],
  ["queueproxy.resource-defaults", "queueProxyResourceDefaults", "Disabled"],
  ["queueproxy.mount-podinfo", "queueProxyMountPodInfo", "Disabled"],
  ["autodetect-http2", "autoDetectHTTP2", "Disabled"],
] as const;

const defaults = Object.fromEntries(flags.map(([, feature, flag]) => [feature, flag])) as FeaturesConfig;

const rows = flags.map(
  ([key, feature, flag]) =>
    [key, feature, oneOf<Flag>(["Enabled", "Allowed", "Disabled"], flag)] as Row<FeaturesConfig>,
);

/** Parses config-features. A flag with another value than Enabled, Allowed or Disabled keeps its default. */
export const parseFeaturesConfig = configParser<FeaturesConfig>("config-features", (data) =>
  overlay(defaults, data, rows),
);
