import type { Dice } from "../../src/testing/mutate.ts";
import type { World } from "./world.ts";

const featureKeys = [
  "multi-container-probing",
  "kubernetes.podspec-affinity",
  "kubernetes.podspec-topologyspreadconstraints",
  "kubernetes.podspec-hostaliases",
  "kubernetes.podspec-fieldref",
  "kubernetes.podspec-nodeselector",
  "kubernetes.podspec-runtimeclassname",
  "kubernetes.podspec-securitycontext",
  "kubernetes.podspec-shareprocessnamespace",
  "kubernetes.podspec-priorityclassname",
  "kubernetes.podspec-schedulername",
  "kubernetes.podspec-tolerations",
  "kubernetes.podspec-init-containers",
  "kubernetes.podspec-persistent-volume-claim",
  "kubernetes.podspec-dnspolicy",
  "kubernetes.podspec-dnsconfig",
  "kubernetes.containerspec-addcapabilities",
  "secure-pod-defaults",
  "tag-header-based-routing",
  "queueproxy.resource-defaults",
  "queueproxy.mount-podinfo",
  "autodetect-http2",
];

const configs: readonly (readonly [map: string, settings: readonly Readonly<Record<string, string>>[]])[] = [
  [
    "config-network",
    [
      { "external-domain-tls": "enabled" },
      { "external-domain-tls": "enabled", "http-protocol": "Redirected" },
      { "auto-tls": "enabled", "namespace-wildcard-cert-selector": "{}" },
      { "cluster-local-domain-tls": "enabled" },
      { "cluster-local-domain-tls": "enabled", "external-domain-tls": "enabled" },
      { "system-internal-tls": "enabled" },
      { "http-protocol": "Redirected" },
      { "http-protocol": "Disabled" },
      { "rollout-duration": "600" },
      { "default-external-scheme": "https" },
      { "domain-template": "{{.Name}}-{{.Namespace}}.{{.Domain}}" },
      { "domain-template": '{{.Name}}.{{index .Annotations "note"}}.{{.Domain}}' },
      { "domain-template": "{{if .Labels.app}}{{.Labels.app}}{{else}}{{.Name}}{{end}}.{{.Domain}}" },
      { "tag-template": "{{.Name}}-{{.Tag}}" },
      { "tag-template": "{{.Name}}" },
      { "ingress-class": "kourier", "certificate-class": "own" },
      { "autocreate-cluster-domain-claims": "true" },
      { "autocreate-cluster-domain-claims": "false" },
      {},
    ],
  ],
  [
    "config-domain",
    [
      { "example.com": "" },
      { "mine.org": "selector:\n  app: mine\n", "example.com": "" },
      { "svc.cluster.local": "" },
      {
        "svc.cluster.local": "selector:\n  app: mine\n",
        "eu.example.com": "selector:\n  zone: eu\n",
        "example.com": "",
      },
    ],
  ],
  [
    "config-gc",
    [
      { "retain-since-create-time": "0s", "retain-since-last-active-time": "0s", "min-non-active-revisions": "0" },
      { "max-non-active-revisions": "2", "min-non-active-revisions": "1" },
      {
        "max-non-active-revisions": "disabled",
        "retain-since-create-time": "1h",
        "retain-since-last-active-time": "disabled",
        "min-non-active-revisions": "1",
      },
      { "max-non-active-revisions": "0", "min-non-active-revisions": "0", "retain-since-create-time": "disabled" },
      { "retain-since-create-time": "30m", "retain-since-last-active-time": "10h", "min-non-active-revisions": "2" },
      {},
    ],
  ],
  [
    "config-defaults",
    [
      { "revision-timeout-seconds": "60", "container-concurrency": "7" },
      { "container-name-template": "{{.Name}}-c", "enable-service-links": "default" },
      { "revision-cpu-request": "10m", "revision-memory-limit": "1Gi", "init-container-name-template": "i" },
      { "revision-response-start-timeout-seconds": "20", "revision-idle-timeout-seconds": "30" },
      { "allow-container-concurrency-zero": "false", "container-concurrency": "9" },
      {},
    ],
  ],
  ["config-features", [allFeatures("Enabled"), allFeatures("Enabled"), allFeatures("Allowed"), {}]],
  [
    "config-deployment",
    [
      { "progress-deadline": "99s", "queue-sidecar-cpu-request": "50m", "queue-sidecar-memory-limit": "100Mi" },
      { "runtime-class-name": "kata:\n  selector:\n    app: mine\ngvisor: {}\n" },
      { "default-affinity-type": "none", "queue-sidecar-token-audiences": "a,b" },
      { "queue-sidecar-rootca": "ca", "registries-skipping-tag-resolving": "ghcr.io" },
      {},
    ],
  ],
  [
    "config-autoscaler",
    [
      { "min-scale": "1", "max-scale": "7", "initial-scale": "2" },
      { "allow-zero-initial-scale": "true", "initial-scale": "0", "stable-window": "30s" },
      { "container-concurrency-target-percentage": "0.5", "container-concurrency-target-default": "40" },
      { "requests-per-second-target-default": "33.5", "target-burst-capacity": "0" },
      { "panic-window-percentage": "20", "panic-threshold-percentage": "150", "scale-down-delay": "5m" },
      { "pod-autoscaler-class": "hpa.autoscaling.knative.dev", "max-scale-limit": "20", "max-scale": "20" },
      { "max-scale-up-rate": "5", "max-scale-down-rate": "3", "activator-capacity": "10" },
      {},
    ],
  ],
  [
    "config-observability",
    [
      { "logging.enable-request-log": "true", "logging.enable-probe-request-log": "true" },
      { "logging.enable-var-log-collection": "true", "profiling.enable": "true" },
      {
        "logging.revision-url-template": `https://logs/\${REVISION_UID}`,
        "metrics.request-metrics-backend-destination": "none",
      },
      {},
    ],
  ],
];

function allFeatures(flag: "Enabled" | "Allowed"): Readonly<Record<string, string>> {
  return Object.fromEntries(featureKeys.map((key) => [key, flag]));
}

/** Gives a ConfigMap other settings. */
export function configure(world: World, dice: Dice): void {
  const [map, settings] = dice.pick(configs);
  world.config[map] = { ...dice.pick(settings) };
}
