import type { AutoscalerConfig } from "../../config/autoscaler.ts";
import { DurationError, parseDuration } from "../../lib/duration.ts";
import { NumberError, parseGoAtoi, parseGoFloat, parseGoInt } from "../../lib/go-number.ts";
import { type Findings, invalidValue, none, outOfBounds, problem } from "../field-error.ts";
import { firstAnnotation } from "../metadata-validation.ts";
import {
  activationScaleAnnotations,
  classAnnotation,
  hpaClass,
  initialScaleAnnotations,
  kpaClass,
  maxScaleAnnotations,
  metricAggregationAlgorithmAnnotations,
  metricAnnotations,
  minScaleAnnotations,
  panicThresholdPercentageAnnotations,
  panicWindowPercentageAnnotations,
  scaleDownDelayAnnotations,
  scaleToZeroPodRetentionPeriodAnnotations,
  targetAnnotations,
  targetBurstCapacityAnnotations,
  targetUtilizationPercentageAnnotations,
  windowAnnotations,
} from "./labels.ts";

type Annotations = Readonly<Record<string, string>>;
/** Checks the value of one annotation; `key` is the name under which it was found. */
type Rule = (value: string, key: string, config: AutoscalerConfig, annotations: Annotations) => Findings;

const hourMs = 3_600_000;
const leastWindowMs = 6_000;
const largestInt32 = 2_147_483_647;

/** The rule for each annotation of the group, by its names. Source: serving v0.42.2 pkg/apis/autoscaling. */
const rules: readonly (readonly [keys: readonly string[], rule: Rule])[] = [
  [[classAnnotation], knownClass],
  [panicWindowPercentageAnnotations, numberBetween(1, 100)],
  [panicThresholdPercentageAnnotations, numberBetween(110, 1000)],
  [
    targetAnnotations,
    number(
      (n) => !(n < 0.01),
      (value, key) => problem(`target ${value} should be at least 0.01`, key),
    ),
  ],
  [targetUtilizationPercentageAnnotations, numberBetween(1, 100)],
  [
    targetBurstCapacityAnnotations,
    number(
      (n) => !(n < 0 && n !== -1),
      (value, key) => invalidValue(value, key),
    ),
  ],
  [windowAnnotations, window],
  [scaleToZeroPodRetentionPeriodAnnotations, duration(0, hourMs)],
  [scaleDownDelayAnnotations, duration(0, hourMs, "whole seconds")],
  [metricAnnotations, metric],
  [metricAggregationAlgorithmAnnotations, aggregationAlgorithm],
  [initialScaleAnnotations, initialScale],
];

/** What is wrong with the autoscaling annotations of a revision template; paths are the annotations' names. */
export function autoscalingAnnotations(annotations: Annotations | undefined, config: AutoscalerConfig): Findings {
  if (!annotations) return none;
  const found = rules.flatMap(([keys, rule]) => {
    const annotation = firstAnnotation(annotations, keys);
    return annotation ? rule(annotation.value, annotation.key, config, annotations) : none;
  });
  return [...scales(annotations, config), ...found];
}

function knownClass(value: string, key: string): Findings {
  const isForeign = !value.endsWith(".knative.dev");
  return isForeign || value === kpaClass || value === hpaClass ? none : invalidValue(value, key);
}

function metric(value: string, _key: string, config: AutoscalerConfig, annotations: Annotations): Findings {
  const autoscaler = annotations[classAnnotation] ?? config.podAutoscalerClass;
  const isFine =
    autoscaler === kpaClass
      ? value === "concurrency" || value === "rps"
      : autoscaler === hpaClass
        ? value !== ""
        : true;
  return isFine ? none : invalidValue(value, metricAnnotations[0]);
}

function aggregationAlgorithm(
  value: string,
  key: string,
  _config: AutoscalerConfig,
  annotations: Annotations,
): Findings {
  if (annotations[classAnnotation] !== kpaClass) return none;
  return ["", "linear", "weighted-exponential", "weightedExponential"].includes(value)
    ? none
    : invalidValue(value, key);
}

function initialScale(value: string, key: string, config: AutoscalerConfig): Findings {
  const scale = attempt(() => parseGoAtoi(value));
  if (scale === undefined) return invalidValue(value, key);
  if (scale < 0) return invalidValue(value, `${key} must be greater than 0`);
  return scale === 0 && !config.allowZeroInitialScale ? invalidValue(value, `${key}=0 not allowed by cluster`) : none;
}

function window(value: string): Findings {
  const [key] = windowAnnotations;
  const ms = attempt(() => parseDuration(value));
  if (ms === undefined) return invalidValue(value, key);
  if (ms < leastWindowMs || ms > hourMs) return outOfBounds(value, "6s", "1h0m0s", key);
  return ms % 1000 === 0 ? none : problem("must be specified with at most second precision", key);
}

function duration(leastMs: number, mostMs: number, precision?: "whole seconds"): Rule {
  return (value, key) => {
    const ms = attempt(() => parseDuration(value));
    if (ms === undefined) return invalidValue(value, key);
    if (ms < leastMs || ms > mostMs) return outOfBounds(value, "0s", "1h0m0s", key);
    const isPrecise = precision === undefined || ms % 1000 === 0;
    return isPrecise ? none : problem("must be specified with at most second precision", key);
  };
}

function number(isFine: (n: number) => boolean, complain: (value: string, key: string) => Findings): Rule {
  return (value, key) => {
    const n = attempt(() => parseGoFloat(value));
    if (n === undefined) return invalidValue(value, key);
    return isFine(n) ? none : complain(value, key);
  };
}

function numberBetween(least: number, most: number): Rule {
  return number(
    (n) => !(n < least || n > most),
    (value, key) => outOfBounds(value, least, most, key),
  );
}

/** min-scale, max-scale and activation-scale, each alone and together. */
function scales(annotations: Annotations, config: AutoscalerConfig): Findings {
  const least = scale(annotations, minScaleAnnotations);
  const most = scale(annotations, maxScaleAnnotations);
  const isCrossed = most.value !== 0 && most.value < least.value;
  return [
    ...least.findings,
    ...most.findings,
    ...(isCrossed
      ? problem(
          `max-scale=${most.value} is less than min-scale=${least.value}`,
          maxScaleAnnotations[0],
          minScaleAnnotations[0],
        )
      : none),
    ...(most.key === undefined ? none : withinLimit(most.value, most.key, config.maxScaleLimit)),
    ...activationScale(annotations, least.value, most.value),
  ];
}

function scale(annotations: Annotations, keys: readonly string[]): { value: number; key?: string; findings: Findings } {
  const annotation = firstAnnotation(annotations, keys);
  if (!annotation) return { value: 0, findings: none };
  const { key, value: text } = annotation;
  if (/^[+-]?\d+$/.test(text) && (BigInt(text.replace("+", "")) > BigInt(largestInt32) || text.startsWith("-"))) {
    const isZero = /^-0+$/.test(text);
    return { value: 0, key, findings: isZero ? none : outOfBounds(text, 0, largestInt32, key) };
  }
  const value = attempt(() => parseGoInt(text, 32));
  return value === undefined ? { value: 0, key, findings: invalidValue(text, key) } : { value, key, findings: none };
}

function withinLimit(value: number, key: string, limit: number): Findings {
  if (limit === 0) return none;
  if (value > limit) return outOfBounds(value, 1, limit, key);
  return value === 0 ? problem(`max-scale=0 (unlimited), must be less than ${limit}`, key) : none;
}

function activationScale(annotations: Annotations, least: number, most: number): Findings {
  const annotation = firstAnnotation(annotations, activationScaleAnnotations);
  if (!annotation) return none;
  const { key, value: text } = annotation;
  const value = attempt(() => parseGoInt(text, 32));
  if (value === undefined) return invalidValue(text, key);
  if (least > value) return problem(`min-scale=${least} is greater than activation-scale=${value}`, key);
  if (most !== 0 && most < value) return problem(`max-scale=${most} is less than activation-scale=${value}`, key);
  return value < 2 ? problem(`activation-scale=${value} must be greater than 1`, key) : none;
}

function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof NumberError || error instanceof DurationError) return undefined;
    throw error;
  }
}
