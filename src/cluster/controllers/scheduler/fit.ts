import type { Node } from "../../../apis/core/node.ts";
import type { Pod } from "../../../apis/core/pod.ts";
import type { PodSpec } from "../../../apis/core/pod-spec.ts";
import { parseQuantity } from "../../../lib/quantity.ts";
import { matchesSelector } from "../../api/selectors.ts";
import { hasEnded } from "../pods.ts";

/**
 * Why the pod cannot run on the node, in the scheduler's words; an empty answer means that it can. `pods` are all pods.
 * Source: k8s.io/kubernetes v1.34 pkg/scheduler/framework/plugins.
 */
export function misfitsOf(pod: Pod, node: Node, pods: readonly Pod[]): string[] {
  const taint = untoleratedTaint(pod.spec, node);
  if (node.spec?.unschedulable) return ["node(s) were unschedulable"];
  if (taint) return [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`];
  if (!matchesNode(pod.spec, node)) return ["node(s) didn't match Pod's node affinity/selector"];
  const here = pods.filter((other) => other.spec.nodeName === node.metadata.name && !hasEnded(other));
  const lacking = lackingResources(pod, node, here);
  if (lacking.length > 0) return lacking;
  if (repelled(pod, here)) return ["node(s) didn't match pod anti-affinity rules"];
  if (!attracted(pod, here)) return ["node(s) didn't match pod affinity rules"];
  return [];
}

/** The message of PodScheduled=False, from the misfits of every node. */
export function unschedulableMessage(misfits: readonly (readonly string[])[]): string {
  if (misfits.length === 0) return "no nodes available to schedule pods";
  const counts = new Map<string, number>();
  for (const reason of misfits.flat()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const reasons = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  const none = `0/${misfits.length} nodes are available`;
  return `${none}: ${reasons.join(", ")}. preemption: ${none}: ${misfits.length} Preemption is not helpful for scheduling.`;
}

function untoleratedTaint({ tolerations = [] }: PodSpec, node: Node) {
  return (node.spec?.taints ?? []).find(
    (taint) =>
      taint.effect !== "PreferNoSchedule" &&
      !tolerations.some(
        ({ key, operator, value, effect }) =>
          (!effect || effect === taint.effect) &&
          (!key ? operator === "Exists" : key === taint.key) &&
          (operator === "Exists" || (value ?? "") === (taint.value ?? "")),
      ),
  );
}

function matchesNode(spec: PodSpec, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  if (!Object.entries(spec.nodeSelector ?? {}).every(([name, value]) => labels[name] === value)) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (!required) return true;
  return required.nodeSelectorTerms.some(({ matchExpressions = [], matchFields = [] }) => {
    if (matchExpressions.length + matchFields.length === 0) return false;
    const holds = (found: Readonly<Record<string, string>>) => (requirement: Requirement) =>
      holdsFor(requirement, found);
    return matchExpressions.every(holds(labels)) && matchFields.every(holds({ "metadata.name": node.metadata.name }));
  });
}

type Requirement = { readonly key: string; readonly operator: string; readonly values?: readonly string[] };

function holdsFor({ key, operator, values = [] }: Requirement, found: Readonly<Record<string, string>>): boolean {
  const value = found[key];
  if (operator === "Exists") return value !== undefined;
  if (operator === "DoesNotExist") return value === undefined;
  if (operator === "In") return value !== undefined && values.includes(value);
  if (operator === "NotIn") return value === undefined || !values.includes(value);
  if (value === undefined || !/^-?\d+$/.test(value)) return false;
  return operator === "Gt" ? Number(value) > Number(values[0]) : Number(value) < Number(values[0]);
}

function lackingResources(pod: Pod, node: Node, here: readonly Pod[]): string[] {
  const allocatable = node.status?.allocatable ?? {};
  const lacking: string[] = [];
  const taken = here.map((other) => requestsOf(other.spec));
  if (allocatable["pods"] !== undefined && here.length >= Number(allocatable["pods"])) lacking.push("Too many pods");
  for (const [resource, wanted] of requestsOf(pod.spec)) {
    if (wanted === 0n) continue;
    const used = taken.reduce((sum, requests) => sum + (requests.get(resource) ?? 0n), 0n);
    const has = parseQuantity(String(allocatable[resource] ?? "0")).nano;
    if (used + wanted > has) lacking.push(`Insufficient ${resource}`);
  }
  return lacking;
}

/** Every pod is added up again for each one to be scheduled, and the specs in the cache do not change. */
const requestsOfSpecs = new WeakMap<PodSpec, ReadonlyMap<string, bigint>>();

/** What the pod asks for: the sum of its containers, or its largest init container where that is more. Billionths. */
function requestsOf(spec: PodSpec): ReadonlyMap<string, bigint> {
  const known = requestsOfSpecs.get(spec);
  if (known) return known;
  const total = new Map<string, bigint>();
  const amounts = (container: PodSpec["containers"][number]) =>
    Object.entries({ ...container.resources?.limits, ...container.resources?.requests }).map(
      ([name, amount]) => [name, parseQuantity(String(amount)).nano] as const,
    );
  for (const container of spec.containers) {
    for (const [name, nano] of amounts(container)) total.set(name, (total.get(name) ?? 0n) + nano);
  }
  for (const container of spec.initContainers ?? []) {
    for (const [name, nano] of amounts(container)) if (nano > (total.get(name) ?? 0n)) total.set(name, nano);
  }
  requestsOfSpecs.set(spec, total);
  return total;
}

/** With one node every topology is the same place, so a required rule looks at the pods of the node only. */
function repelled(pod: Pod, here: readonly Pod[]): boolean {
  const rules = pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  return rules.some((rule) => here.some((other) => other !== pod && isMeant(rule, pod, other)));
}

function attracted(pod: Pod, here: readonly Pod[]): boolean {
  const rules = pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  return rules.every((rule) => isMeant(rule, pod, pod) || here.some((other) => isMeant(rule, pod, other)));
}

type Rule = NonNullable<
  NonNullable<NonNullable<PodSpec["affinity"]>["podAffinity"]>["requiredDuringSchedulingIgnoredDuringExecution"]
>[number];

function isMeant(rule: Rule, pod: Pod, other: Pod): boolean {
  const namespaces = rule.namespaces?.length ? rule.namespaces : [pod.metadata.namespace];
  const inNamespace = namespaces.includes(other.metadata.namespace) || rule.namespaceSelector !== undefined;
  return inNamespace && matchesSelector(rule.labelSelector, other.metadata.labels);
}
