import { formatDuration } from "../lib/duration.ts";
import { deepFreeze } from "../lib/freeze.ts";
import { goQuote } from "../lib/go-quote.ts";
import { parseYaml, YamlError } from "../lib/go-yaml.ts";
import { labelSelectorProblem, subdomainProblems } from "../lib/kube-names.ts";
import { Problem } from "./config-error.ts";
import {
  asDuration,
  asQuantity,
  asString,
  asStringSet,
  check,
  configParser,
  overlay,
  type Row,
  type Rule,
  type ValueParser,
} from "./fields.ts";
import { mostSpecific } from "./selector.ts";

const affinityTypes = ["none", "prefer-spread-revision-over-nodes"] as const;

/** How the pods of revisions are made (config-deployment). Source: serving v0.42.2 pkg/deployment. */
export interface DeploymentConfig {
  readonly queueSidecarImage: string;
  /** Registries whose tags are not resolved to digests; sorted. */
  readonly registriesSkippingTagResolving: readonly string[];
  /** Registries whose tags are used as they are when they cannot be resolved; "*": all. Ours: upstream has none. */
  readonly registriesToleratingUnresolvedTags: readonly string[];
  readonly digestResolutionTimeoutMs: number;
  /** How long a Deployment may take to become ready. */
  readonly progressDeadlineMs: number;
  readonly queueSidecarCPURequest: string | undefined;
  readonly queueSidecarCPULimit: string | undefined;
  readonly queueSidecarMemoryRequest: string | undefined;
  readonly queueSidecarMemoryLimit: string | undefined;
  readonly queueSidecarEphemeralStorageRequest: string | undefined;
  readonly queueSidecarEphemeralStorageLimit: string | undefined;
  /** For whom the sidecar gets service account tokens; sorted. */
  readonly queueSidecarTokenAudiences: readonly string[];
  /** A PEM certificate that the sidecar trusts. */
  readonly queueSidecarRootCA: string;
  /** What pods get that name no affinity of their own. */
  readonly defaultAffinityType: (typeof affinityTypes)[number];
  /** The runtime classes, each with the labels that a revision must have for it. */
  readonly runtimeClassNames: Readonly<Record<string, { readonly selector?: Readonly<Record<string, string>> }>>;
}

/** The settings in force where config-deployment is empty. The real one has to name the sidecar's image. */
export const defaultDeploymentConfig: DeploymentConfig = deepFreeze({
  queueSidecarImage: "",
  registriesSkippingTagResolving: ["dev.local", "kind.local", "ko.local"],
  registriesToleratingUnresolvedTags: [],
  digestResolutionTimeoutMs: 10_000,
  progressDeadlineMs: 600_000,
  queueSidecarCPURequest: "25m",
  queueSidecarCPULimit: undefined,
  queueSidecarMemoryRequest: undefined,
  queueSidecarMemoryLimit: undefined,
  queueSidecarEphemeralStorageRequest: undefined,
  queueSidecarEphemeralStorageLimit: undefined,
  queueSidecarTokenAudiences: [""],
  queueSidecarRootCA: "",
  defaultAffinityType: "prefer-spread-revision-over-nodes",
  runtimeClassNames: {},
});

const rows: readonly Row<DeploymentConfig>[] = [
  ["queueSidecarImage", "queueSidecarImage", asString],
  ["progressDeadline", "progressDeadlineMs", asDuration],
  ["digestResolutionTimeout", "digestResolutionTimeoutMs", asDuration],
  ["registriesSkippingTagResolving", "registriesSkippingTagResolving", asStringSet],
  ["queueSidecarCPURequest", "queueSidecarCPURequest", asQuantity],
  ["queueSidecarMemoryRequest", "queueSidecarMemoryRequest", asQuantity],
  ["queueSidecarEphemeralStorageRequest", "queueSidecarEphemeralStorageRequest", asQuantity],
  ["queueSidecarCPULimit", "queueSidecarCPULimit", asQuantity],
  ["queueSidecarMemoryLimit", "queueSidecarMemoryLimit", asQuantity],
  ["queueSidecarEphemeralStorageLimit", "queueSidecarEphemeralStorageLimit", asQuantity],
  ["queue-sidecar-image", "queueSidecarImage", asString],
  ["progress-deadline", "progressDeadlineMs", asDuration],
  ["digest-resolution-timeout", "digestResolutionTimeoutMs", asDuration],
  ["registries-skipping-tag-resolving", "registriesSkippingTagResolving", asStringSet],
  ["registries-tolerating-unresolved-tags", "registriesToleratingUnresolvedTags", asStringSet],
  ["queue-sidecar-cpu-request", "queueSidecarCPURequest", asQuantity],
  ["queue-sidecar-memory-request", "queueSidecarMemoryRequest", asQuantity],
  ["queue-sidecar-ephemeral-storage-request", "queueSidecarEphemeralStorageRequest", asQuantity],
  ["queue-sidecar-cpu-limit", "queueSidecarCPULimit", asQuantity],
  ["queue-sidecar-memory-limit", "queueSidecarMemoryLimit", asQuantity],
  ["queue-sidecar-ephemeral-storage-limit", "queueSidecarEphemeralStorageLimit", asQuantity],
  ["queue-sidecar-token-audiences", "queueSidecarTokenAudiences", asStringSet],
  ["queue-sidecar-rootca", "queueSidecarRootCA", asString],
];

const rules: readonly Rule<DeploymentConfig>[] = [
  [
    "queue-sidecar-image",
    (config) => config.queueSidecarImage === "",
    () => "queue-sidecar-image cannot be empty or unset",
  ],
  [
    "progress-deadline",
    (config) => config.progressDeadlineMs <= 0,
    (config) => `progress-deadline cannot be a non-positive duration, was ${formatDuration(config.progressDeadlineMs)}`,
  ],
  [
    "progress-deadline",
    (config) => config.progressDeadlineMs % 1000 !== 0,
    (config) =>
      `progress-deadline must be rounded to a whole second, was: ${formatDuration(config.progressDeadlineMs)}`,
  ],
  [
    "digest-resolution-timeout",
    (config) => config.digestResolutionTimeoutMs <= 0,
    (config) =>
      `digest-resolution-timeout cannot be a non-positive duration, was ${formatDuration(config.digestResolutionTimeoutMs)}`,
  ],
];

const asAffinityType: ValueParser<DeploymentConfig["defaultAffinityType"]> = (text, key) => {
  const type = affinityTypes.find((known) => known === text);
  if (!type) {
    throw new Problem(`unsupported ${key} value: ${goQuote(text)}`, key, { allowed: affinityTypes.join(" or ") });
  }
  return type;
};

const asRuntimeClassNames: ValueParser<DeploymentConfig["runtimeClassNames"]> = (text, key) => {
  const classes = readRuntimeClasses(text, key);
  for (const [name, { selector }] of Object.entries(classes)) {
    const problems = subdomainProblems(name);
    if (problems.length > 0) {
      throw new Problem(`${key} ${name} selector not valid DNSSubdomain: [${problems.join(" ")}]`, key);
    }
    const problem = labelSelectorProblem(selector ?? {});
    if (problem) throw new Problem(`${key} ${name} selector invalid: ${problem}`, key);
  }
  return classes;
};

const laterRows: readonly Row<DeploymentConfig>[] = [
  ["default-affinity-type", "defaultAffinityType", asAffinityType],
  ["runtime-class-name", "runtimeClassNames", asRuntimeClassNames],
];

/** Parses config-deployment. Throws ConfigError. */
export const parseDeploymentConfig = configParser<DeploymentConfig>("config-deployment", (data) => {
  const config = overlay(defaultDeploymentConfig, data, rows);
  check(config, rules);
  return overlay(config, data, laterRows);
});

/** The runtime class for pods with these labels: the one whose selector asks for most; undefined where none fits. */
export function runtimeClassNameFor(
  config: DeploymentConfig,
  labels: Readonly<Record<string, string>> | undefined,
): string | undefined {
  const selectors = Object.entries(config.runtimeClassNames).map(
    ([name, { selector }]) => [name, selector ?? {}] as const,
  );
  return mostSpecific(selectors, labels ?? {});
}

function readRuntimeClasses(text: string, key: string): DeploymentConfig["runtimeClassNames"] {
  try {
    const shape = {
      type: "deployment.RuntimeClassNameLabelSelector",
      fields: { selector: { mapOf: "string" } },
    } as const;
    return parseYaml(text, { mapOf: shape }) ?? {};
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const allowed = "YAML: a map from runtime class to {selector: {label: value}}";
    throw new Problem(`${key} cannot be parsed, please check the format: ${error.message}`, key, {
      cause: error,
      allowed,
    });
  }
}
