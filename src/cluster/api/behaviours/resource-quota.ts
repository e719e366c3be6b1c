import { parseQuantity, QuantityError } from "../../../lib/quantity.ts";
import type { Behaviour, Item } from "../resource.ts";
import { type FieldError, invalidValue, required } from "../status-errors.ts";
import { type Fields, mapOf } from "../typed-values.ts";

const compute = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];
const counts = [
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services.nodeports",
  "services.loadbalancers",
];
const storage = ["ephemeral-storage", "requests.ephemeral-storage", "limits.ephemeral-storage", "requests.storage"];
const known = [...compute, ...counts, ...storage];

/** The resources among the known ones that a scope can be about. */
const scopes: Readonly<Record<string, readonly string[]>> = {
  Terminating: ["pods", ...compute],
  NotTerminating: ["pods", ...compute],
  NotBestEffort: ["pods", ...compute],
  PriorityClass: ["pods", ...compute],
  CrossNamespacePodAffinity: ["pods", ...compute],
  BestEffort: ["pods"],
  VolumeAttributesClass: ["persistentvolumeclaims", "requests.storage"],
};
const withValues = ["PriorityClass", "VolumeAttributesClass"];
const conflicting = [
  ["BestEffort", "NotBestEffort"],
  ["Terminating", "NotTerminating"],
];

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** ResourceQuota; what it does is in ../quota. Source: k8s.io/kubernetes v1.34 pkg/apis/core/validation. */
export const resourceQuota: Behaviour = {
  validate({ spec = {} }, stored) {
    return [
      ...validateAmounts(mapOf(spec["hard"])),
      ...validateScopes(spec),
      ...validateScopeSelector(spec),
      ...(stored ? validateUnchangedScopes(spec, stored) : []),
    ];
  },
};

function validateAmounts(hard: Fields): FieldError[] {
  return Object.entries(hard).flatMap(([name, amount]) => {
    const at = `spec.hard[${name}]`;
    const errors: FieldError[] = [];
    if (!name.includes("/") && !known.includes(name) && !/^(requests\.)?hugepages-/.test(name)) {
      errors.push(invalidValue(at, name, "must be a standard resource type or fully qualified"));
      errors.push(invalidValue(at, name, "must be a standard resource for quota"));
    }
    const parsed = quantityOf(amount);
    if (!parsed) return errors;
    if (parsed.nano < 0n) errors.push(invalidValue(at, parsed.text, "must be greater than or equal to 0"));
    if (counts.includes(name) && parsed.nano % 1_000_000_000n !== 0n) {
      errors.push(invalidValue(at, parsed.text, "must be an integer"));
    }
    return errors;
  });
}

/** Decoding has refused what is no amount. */
function quantityOf(amount: unknown) {
  try {
    return parseQuantity(String(amount));
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}

function validateScopes(spec: Fields): FieldError[] {
  const given = listOf(spec["scopes"]).map(String);
  const refuse = (detail: string) => invalidValue("spec.scopes", given, detail);
  return [
    ...given.flatMap((scope) => [
      ...(scopes[scope] ? [] : [refuse("unsupported scope")]),
      ...unfit(scope, spec).map(() => refuse("unsupported scope applied to resource")),
    ]),
    ...conflicts(given).map(() => refuse("conflicting scopes")),
  ];
}

function validateScopeSelector(spec: Fields): FieldError[] {
  const selector = mapOf(spec["scopeSelector"]);
  const expressions = listOf(selector["matchExpressions"]).map(mapOf);
  const at = "spec.scopeSelector.matchExpressions";
  const errors = expressions.flatMap((expression) => {
    const scope = String(expression["scopeName"] ?? "");
    const operator = String(expression["operator"] ?? "");
    const values = listOf(expression["values"]);
    const found = scopes[scope] ? [] : [invalidValue(`${at}.scopeName`, scope, "unsupported scope")];
    for (const _ of unfit(scope, spec)) {
      found.push(invalidValue(at, { MatchExpressions: expressions }, "unsupported scope applied to resource"));
    }
    if (scopes[scope] && !withValues.includes(scope) && operator !== "Exists") {
      const plain =
        "ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
      found.push(invalidValue(`${at}.operator`, operator, `must be 'Exists' when scope is any of ${plain}`));
    }
    if (operator === "In" || operator === "NotIn") {
      const detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
      if (values.length === 0) found.push(required(`${at}.values`, detail));
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      const detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
      if (values.length > 0) found.push(invalidValue(`${at}.values`, values, detail));
    } else found.push(invalidValue(`${at}.operator`, operator, "not a valid selector operator"));
    return found;
  });
  const clashes = conflicts(expressions.map((expression) => String(expression["scopeName"])));
  return [...errors, ...clashes.map(() => invalidValue("spec.scopes", spec["scopes"], "conflicting scopes"))];
}

/** The known resources of the quota that the scope cannot be about. */
function unfit(scope: string, { hard }: Fields): string[] {
  const names = Object.keys(mapOf(hard)).filter((name) => known.includes(name));
  return names.filter((name) => {
    const fits = scopes[scope];
    return fits !== undefined && !fits.includes(name);
  });
}

const conflicts = (given: readonly string[]) =>
  conflicting.filter((pair) => pair.every((scope) => given.includes(scope)));

function validateUnchangedScopes(spec: Fields, stored: Item): FieldError[] {
  const namesOf = (value: unknown) => [...new Set(listOf(value).map(String))].sort().join();
  if (namesOf(spec["scopes"]) === namesOf(stored.spec?.["scopes"])) return [];
  return [invalidValue("spec.scopes", spec["scopes"], "field is immutable")];
}
