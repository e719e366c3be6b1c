import { goQuote } from "../lib/go-quote.ts";
import { dns1035LabelProblems, dns1035PrefixProblems } from "../lib/kube-names.ts";
import { type Findings, invalidKey, missing, none, problem } from "./field-error.ts";
import type { ObjectMeta } from "./meta.ts";

type Annotations = Readonly<Record<string, string>> | undefined;

/** The name of an object must be a DNS label. Source: knative.dev/pkg apis.ValidateObjectMetadata. */
export function objectName({ name, generateName }: Partial<ObjectMeta>): Findings {
  if (generateName) {
    const problems = dns1035PrefixProblems(generateName);
    if (problems.length > 0) return problem(`not a DNS 1035 label prefix: [${problems.join(" ")}]`, "generateName");
  }
  if (name) {
    const problems = dns1035LabelProblems(name);
    if (problems.length > 0) return problem(`not a DNS 1035 label: [${problems.join(" ")}]`, "name");
  }
  return name || generateName ? none : problem("name or generateName is required", "name");
}

/** Objects that make revisions may not carry the annotations that belong into their template. */
export function noAutoscalingAnnotations(annotations: Annotations): Findings {
  const advice = 'autoscaling annotations must be put under "spec.template.metadata.annotations" to work';
  return Object.keys(annotations ?? {})
    .filter((key) => key.startsWith("autoscaling.knative.dev"))
    .flatMap((key) => invalidKey(goQuote(key), "", advice));
}

/** A label that names an owner is only for objects that have this owner. */
export function ownerLabel(metadata: ObjectMeta, label: string, ownerKind: string): Findings {
  const name = metadata.labels?.[label];
  if (name === undefined) return none;
  const isOwned = metadata.ownerReferences?.some((owner) => owner.kind === ownerKind && owner.name === name);
  return isOwned ? none : missing(label);
}

/** The first of several keys that is there, and its value. Later keys are old names. */
export function firstAnnotation(
  annotations: Annotations,
  keys: readonly string[],
): { key: string; value: string } | undefined {
  const key = keys.find((name) => annotations !== undefined && Object.hasOwn(annotations, name));
  return key === undefined ? undefined : { key, value: annotations![key]! };
}
