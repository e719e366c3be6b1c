import { autoscalingAnnotations } from "../../apis/autoscaling/annotation-validation.ts";
import * as keys from "../../apis/autoscaling/labels.ts";
import type { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import { type AutoscalerConfig, parseAutoscalerConfig } from "../../config/autoscaler.ts";
import { ConfigError } from "../../config/config-error.ts";
import { DurationError, parseDuration } from "../../lib/duration.ts";

/** What config-autoscaler says in an installation as it is shipped. */
export const shippedConfig: Readonly<Record<string, string>> = {
  "min-scale": "2",
  "max-scale": "30",
  "target-burst-capacity": "0",
};
/** What config-defaults says there. */
export const shippedContainerConcurrency = 100;
const defaultPodStartDelayMs = 2000;

const annotations = [
  keys.metricAnnotations,
  keys.targetAnnotations,
  keys.targetUtilizationPercentageAnnotations,
  keys.windowAnnotations,
  keys.panicWindowPercentageAnnotations,
  keys.panicThresholdPercentageAnnotations,
  keys.minScaleAnnotations,
  keys.maxScaleAnnotations,
  keys.initialScaleAnnotations,
  keys.activationScaleAnnotations,
  keys.scaleDownDelayAnnotations,
  keys.metricAggregationAlgorithmAnnotations,
].map(([key]) => key);
const shortName = (annotation: string) => annotation.slice(`${keys.autoscalingGroup}/`.length);
const annotationOf = new Map(annotations.map((key) => [shortName(key), key]));

/** Settings of the whole cluster that no annotation can change. */
const clusterKeys = [
  "max-scale-up-rate",
  "max-scale-down-rate",
  "container-concurrency-target-percentage",
  "container-concurrency-target-default",
  "requests-per-second-target-default",
];
const ownKeys = ["container-concurrency", "pod-start-delay"];

/** All names that a setting may have. */
const settingKeys: readonly string[] = [...annotationOf.keys(), ...clusterKeys, ...ownKeys];

/** A revision with given settings, as the autoscaler sees it. */
export interface Subject {
  readonly pa: PodAutoscaler;
  readonly config: AutoscalerConfig;
  readonly podStartDelayMs: number;
}

type Values = Readonly<Record<string, string>>;

/** What is wrong with settings, by the rules of admission; undefined when nothing is. */
export function checkSetting(values: Values): { readonly key: string; readonly message: string } | undefined {
  const unknown = Object.keys(values).find((key) => !settingKeys.includes(key));
  if (unknown) return { key: unknown, message: `unknown setting; there are ${settingKeys.join(", ")}` };
  let config: AutoscalerConfig;
  try {
    config = configOf(values);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const key = clusterKeys.find((name) => name in values && (error.key === name || error.message.includes(name)));
    return { key: key ?? "", message: error.message };
  }
  const [finding] = autoscalingAnnotations(annotationsOf(values), config);
  if (finding) {
    const key = annotations.find((name) => finding.paths.some((path) => path.startsWith(name)));
    return { key: key ? shortName(key) : "", message: `${finding.message}${finding.details ?? ""}` };
  }
  const limit = values["container-concurrency"];
  if (limit !== undefined && !(/^\d+$/.test(limit) && Number(limit) <= 1000)) {
    return { key: "container-concurrency", message: `"${limit}" is not a whole number from 0 to 1000` };
  }
  const delay = values["pod-start-delay"];
  if (delay !== undefined && !(durationOf(delay) >= 0 && durationOf(delay) <= 3_600_000)) {
    return { key: "pod-start-delay", message: `"${delay}" is not a duration from 0s to 1h` };
  }
  return undefined;
}

/** Makes the revision of settings that `checkSetting` finds nothing wrong with. */
export function makeSubject(values: Values): Subject {
  return {
    pa: {
      apiVersion: "autoscaling.internal.knative.dev/v1alpha1",
      kind: "PodAutoscaler",
      metadata: { namespace: "default", name: "simulated", annotations: annotationsOf(values) },
      spec: {
        containerConcurrency: Number(values["container-concurrency"] ?? shippedContainerConcurrency),
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "simulated-deployment" },
        protocolType: "http1",
        reachability: "Reachable",
      },
    },
    config: configOf(values),
    podStartDelayMs: "pod-start-delay" in values ? durationOf(values["pod-start-delay"]!) : defaultPodStartDelayMs,
  };
}

function annotationsOf(values: Values): Record<string, string> {
  const own = Object.entries(values).flatMap(([key, value]) => {
    const annotation = annotationOf.get(key);
    return annotation ? [[annotation, value] as const] : [];
  });
  return { [keys.classAnnotation]: keys.kpaClass, ...Object.fromEntries(own) };
}

function configOf(values: Values): AutoscalerConfig {
  const own = Object.entries(values).filter(([key]) => clusterKeys.includes(key));
  return parseAutoscalerConfig({ ...shippedConfig, ...Object.fromEntries(own) });
}

function durationOf(text: string): number {
  if (/^[\d.]+$/.test(text)) return Number(text) * 1000;
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof DurationError) return Number.NaN;
    throw error;
  }
}
