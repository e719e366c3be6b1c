import type { Pod } from "../../../apis/core/pod.ts";
import type { ResourceQuota } from "../../../apis/core/resourcequota.ts";
import type { KubeObject } from "../../../apis/meta.ts";

interface Scope {
  readonly scopeName: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** Whether a quota is about this object: one with scopes is about pods only, those that are in all of its scopes. */
export function isInScope({ spec }: ResourceQuota, resource: string, object: KubeObject): boolean {
  const scopes: Scope[] = [
    ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: "Exists" })),
    ...(spec?.scopeSelector?.matchExpressions ?? []),
  ];
  if (scopes.length === 0) return true;
  return resource === "pods" && scopes.every((scope) => holds(scope, object as Pod));
}

function holds({ scopeName, operator, values = [] }: Scope, { spec, status }: Pod): boolean {
  switch (scopeName) {
    case "Terminating":
      return spec.activeDeadlineSeconds !== undefined;
    case "NotTerminating":
      return spec.activeDeadlineSeconds === undefined;
    case "BestEffort":
      return status?.qosClass === "BestEffort";
    case "NotBestEffort":
      return status?.qosClass !== "BestEffort";
    case "PriorityClass": {
      const { priorityClassName = "" } = spec;
      if (operator === "Exists") return priorityClassName !== "";
      if (operator === "DoesNotExist") return priorityClassName === "";
      return values.includes(priorityClassName) === (operator === "In");
    }
    case "CrossNamespacePodAffinity":
      return looksBeyondNamespace(spec.affinity?.podAffinity) || looksBeyondNamespace(spec.affinity?.podAntiAffinity);
    default:
      return false;
  }
}

type PodAffinity = NonNullable<NonNullable<Pod["spec"]["affinity"]>["podAffinity"]>;

function looksBeyondNamespace(affinity: PodAffinity | undefined): boolean {
  const required = affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const terms = [...required, ...preferred.map(({ podAffinityTerm }) => podAffinityTerm)];
  return terms.some((term) => (term?.namespaces?.length ?? 0) > 0 || term?.namespaceSelector !== undefined);
}
