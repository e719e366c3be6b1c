import type { ServingConfig } from "../../config/serving-config.ts";
import { DurationError, parseDuration } from "../../lib/duration.ts";
import { formatGoFloat, NumberError, parseGoFloat } from "../../lib/go-number.ts";
import { goQuote } from "../../lib/go-quote.ts";
import { dns1035LabelProblems, dns1035PrefixProblems } from "../../lib/kube-names.ts";
import { parseQuantity, QuantityError } from "../../lib/quantity.ts";
import { autoscalingAnnotations } from "../autoscaling/annotation-validation.ts";
import {
  asWarnings,
  disallowed,
  type Findings,
  invalidValue,
  none,
  outOfBounds,
  problem,
  under,
  underKey,
} from "../field-error.ts";
import type { ObjectMeta } from "../meta.ts";
import { firstAnnotation } from "../metadata-validation.ts";
import type { FromSchema } from "../schema.ts";
import {
  progressDeadlineAnnotation,
  queueCpuLimitAnnotation,
  queueCpuRequestAnnotation,
  queueEphemeralStorageLimitAnnotation,
  queueEphemeralStorageRequestAnnotation,
  queueMemoryLimitAnnotation,
  queueMemoryRequestAnnotation,
  queueResourcePercentageAnnotations,
  unlimitedStreamsAnnotation,
} from "./labels.ts";
import { validatePodSpec } from "./pod-spec-validation.ts";
import type { revisionTemplateSchema } from "./pod-template.ts";
import type { RevisionSpec } from "./revision.ts";

export type RevisionTemplate = FromSchema<typeof revisionTemplateSchema>;
type Annotations = Readonly<Record<string, string>> | undefined;

/** What is wrong with the spec of a revision. Source: serving v0.42.2 pkg/apis/serving/v1/revision_validation.go. */
export function validateRevisionSpec(spec: Partial<RevisionSpec>, { features, defaults }: ServingConfig): Findings {
  const {
    timeoutSeconds: timeout = 0,
    containerConcurrency,
    responseStartTimeoutSeconds,
    idleTimeoutSeconds,
    ...pod
  } = spec;
  const isTimeoutFine = timeout >= 0 && timeout <= defaults.maxRevisionTimeoutSeconds;
  return [
    ...validatePodSpec(pod, features),
    ...(isTimeoutFine ? none : outOfBounds(timeout, 0, defaults.maxRevisionTimeoutSeconds, "timeoutSeconds")),
    ...under("containerConcurrency", validateContainerConcurrency(containerConcurrency, defaults)),
  ];
}

export function validateContainerConcurrency(value: number | undefined, defaults: ServingConfig["defaults"]): Findings {
  if (value === undefined) return none;
  const least = defaults.allowContainerConcurrencyZero ? 0 : 1;
  const most = defaults.containerConcurrencyMaxLimit;
  return value < least || value > most ? outOfBounds(value, least, most, "") : none;
}

/** What is wrong with the template of a Service or Configuration whose metadata is `parent`. */
export function validateRevisionTemplate(
  template: Partial<RevisionTemplate>,
  parent: ObjectMeta,
  config: ServingConfig,
): Findings {
  const { metadata = {}, spec = {} } = template;
  return [
    ...under("spec", validateRevisionSpec(spec, config)),
    ...under("metadata", validateName(metadata, parent)),
    ...under("metadata.annotations", [
      ...autoscalingAnnotations(metadata.annotations, config.autoscaler),
      ...queueProxyResources(metadata.annotations),
      ...enabledOrDisabled(metadata.annotations, unlimitedStreamsAnnotation),
      ...wholeSeconds(metadata.annotations, [progressDeadlineAnnotation], "progress-deadline"),
    ]),
  ];
}

/** A revision's name is a DNS label that begins with the name of what makes the revision. */
function validateName({ name, generateName }: Partial<ObjectMeta>, parent: ObjectMeta): Findings {
  if (generateName) {
    const problems = dns1035PrefixProblems(generateName);
    if (problems.length > 0)
      return invalidValue(`not a DNS 1035 label prefix: [${problems.join(" ")}]`, "generateName");
  }
  if (!name) return none;
  const problems = dns1035LabelProblems(name);
  if (problems.length > 0) return invalidValue(`not a DNS 1035 label: [${problems.join(" ")}]`, "name");
  // As long as the parent's own name is not known, nobody can choose one that begins with it.
  if (!parent.name && parent.generateName) return disallowed("name");
  const prefix = `${parent.name ?? ""}-`;
  return name.startsWith(prefix) ? none : invalidValue(`${goQuote(name)} must have prefix ${goQuote(prefix)}`, "name");
}

/** An annotation that holds a duration of whole seconds; `what` is what messages call it. */
export function wholeSeconds(annotations: Annotations, keys: readonly string[], what: string): Findings {
  const annotation = firstAnnotation(annotations, keys);
  if (!annotation?.value) return none;
  const { key, value } = annotation;
  const ms = attempt(() => parseDuration(value));
  if (ms === undefined) return invalidValue(value, key);
  if (ms % 1000 !== 0) return problem(`${what}=${value} is not at second precision`, key);
  return ms < 0 ? problem(`${what}=${value} must be positive`, key) : none;
}

/** A switch that we added: anything but its two values would be a wish that nobody heeds. */
function enabledOrDisabled(annotations: Annotations, key: string): Findings {
  const value = annotations?.[key];
  if (value === undefined || ["enabled", "disabled"].includes(value.toLowerCase())) return none;
  return underKey(key, invalidValue(value, "", "must be enabled or disabled"));
}

const queueProxyAmounts = [
  queueCpuRequestAnnotation,
  queueCpuLimitAnnotation,
  queueMemoryRequestAnnotation,
  queueMemoryLimitAnnotation,
  queueEphemeralStorageRequestAnnotation,
  queueEphemeralStorageLimitAnnotation,
];

/** What the queue proxy may use: amounts, or (an old way) a share of the user container's. */
function queueProxyResources(annotations: Annotations): Findings {
  const percentage = firstAnnotation(annotations, queueResourcePercentageAnnotations);
  const amounts = queueProxyAmounts.flatMap((key) => {
    const value = annotations?.[key];
    const isFine = value === undefined || attempt(() => parseQuantity(value)) !== undefined;
    return isFine ? none : underKey(key, invalidValue(value, ""));
  });
  return percentage ? [...resourcePercentage(percentage), ...amounts] : amounts;
}

function resourcePercentage({ key, value }: { key: string; value: string }): Findings {
  const deprecated = problem(
    "Queue proxy resource percentage annotation is deprecated. Please use the available annotations to explicitly set resource values per service",
  );
  const percentage = attempt(() => parseGoFloat(value));
  const found =
    percentage === undefined
      ? invalidValue(value, "")
      : percentage < 0.1 || percentage > 100
        ? outOfBounds(formatGoFloat(percentage), 0.1, 100, "")
        : none;
  return [...asWarnings(deprecated), ...underKey(key, found)];
}

function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    const isRefusal = error instanceof NumberError || error instanceof DurationError || error instanceof QuantityError;
    if (isRefusal) return undefined;
    throw error;
  }
}
