import type { Pod } from "../../../apis/core/pod.ts";
import type { Service } from "../../../apis/core/service.ts";
import type { PersistentVolumeClaim } from "../../../apis/core/storage.ts";
import type { KubeObject } from "../../../apis/meta.ts";
import { parseQuantity, type Quantity, quantityOfNano } from "../../../lib/quantity.ts";
import { podAmounts } from "./pod-amounts.ts";

/** Amounts by resource, under the names that quotas have for them. */
export type Usage = ReadonlyMap<string, Quantity>;

const none: Usage = new Map();
const zero = quantityOfNano(0n, "decimalSI");
const countOf = (count: number) => quantityOfNano(BigInt(count) * 1_000_000_000n, "decimalSI");

/** Kinds that quotas also count by their plain names. */
const countedByName = ["configmaps", "persistentvolumeclaims", "resourcequotas", "secrets", "services"];
const classSuffix = ".storageclass.storage.k8s.io/";

/** The stored kind whose objects use the resource of this name. */
export function resourceUsing(name: string): string {
  if (name.startsWith("count/")) {
    const [plural = "", ...group] = name.slice("count/".length).split(".");
    return group.length === 0 ? plural : `${group.join(".")}/${plural}`;
  }
  if (name.startsWith("services.")) return "services";
  if (name === "requests.storage" || name.includes(classSuffix)) return "persistentvolumeclaims";
  return countedByName.includes(name) ? name : "pods";
}

/**
 * What an object uses of a quota; nothing for undefined. Pods that have ended use nothing but `count/pods`.
 * Source: k8s.io/kubernetes v1.34 pkg/quota/v1/evaluator/core.
 */
export function usageOf(resource: string, object: KubeObject | undefined): Usage {
  if (!object) return none;
  const usage = new Map<string, Quantity>([[countName(resource), countOf(1)]]);
  if (countedByName.includes(resource)) usage.set(resource, countOf(1));
  if (resource === "pods") for (const [name, amount] of podUsage(object as Pod)) usage.set(name, amount);
  if (resource === "services") for (const [name, amount] of serviceUsage(object as Service)) usage.set(name, amount);
  if (resource === "persistentvolumeclaims") addClaimUsage(usage, object as PersistentVolumeClaim);
  return usage;
}

function countName(resource: string): string {
  const [first = "", plural] = resource.split("/");
  return plural === undefined ? `count/${first}` : `count/${plural}.${first}`;
}

function podUsage(pod: Pod): Usage {
  const phase = pod.status?.phase;
  if (phase === "Succeeded" || phase === "Failed") return none;
  const usage = new Map<string, Quantity>([["pods", countOf(1)]]);
  const { requests, limits } = podAmounts(pod.spec);
  for (const [name, amount] of requests) for (const known of requestNames(name)) usage.set(known, amount);
  for (const [name, amount] of limits) if (isPlain(name)) usage.set(`limits.${name}`, amount);
  return usage;
}

const isPlain = (name: string) => name === "cpu" || name === "memory" || name === "ephemeral-storage";

/** The names under which a quota limits what a container requests as `name`. */
export function requestNames(name: string): string[] {
  if (isPlain(name) || name.startsWith("hugepages-")) return [name, `requests.${name}`];
  const isNative = !name.includes("/") || name.includes("kubernetes.io/");
  return isNative ? [] : [`requests.${name}`];
}

function serviceUsage({ spec }: Service): Usage {
  const ports = spec.ports ?? [];
  const balanced = spec.type === "LoadBalancer";
  const asked =
    balanced && spec.allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort) : ports;
  return new Map([
    ["services.loadbalancers", balanced ? countOf(1) : zero],
    ["services.nodeports", balanced || spec.type === "NodePort" ? countOf(asked.length) : zero],
  ]);
}

function addClaimUsage(usage: Map<string, Quantity>, { spec }: PersistentVolumeClaim): void {
  const storage = spec?.resources?.requests?.["storage"];
  const amount = storage === undefined ? undefined : parseQuantity(String(storage));
  if (amount) usage.set("requests.storage", amount);
  const prefix = spec?.storageClassName && `${spec.storageClassName}${classSuffix}`;
  if (!prefix) return;
  usage.set(`${prefix}persistentvolumeclaims`, countOf(1));
  if (amount) usage.set(`${prefix}requests.storage`, amount);
}

/** The sum, in the format of what was there first, unless that was nothing. */
export function sum(a: Quantity = zero, b: Quantity = zero): Quantity {
  return quantityOfNano(a.nano + b.nano, a.nano === 0n ? b.format : a.format);
}

export function difference(a: Quantity = zero, b: Quantity = zero): Quantity {
  return quantityOfNano(a.nano - b.nano, a.nano === 0n ? b.format : a.format);
}
