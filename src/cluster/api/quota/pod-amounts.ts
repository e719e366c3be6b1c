import type { Container, PodSpec } from "../../../apis/core/pod-spec.ts";
import { parseQuantity, type Quantity } from "../../../lib/quantity.ts";
import { sum } from "./usage.ts";

type Amounts = Map<string, Quantity>;

/**
 * What a pod asks for as a whole: its containers and sidecars together, or an init container with the sidecars before it
 * where that is more; and what its RuntimeClass adds. Source: k8s.io/component-helpers v0.34 resource.PodRequests.
 */
export function podAmounts(spec: PodSpec): { readonly requests: Amounts; readonly limits: Amounts } {
  return { requests: total(spec, "requests"), limits: total(spec, "limits") };
}

function total(spec: PodSpec, field: "requests" | "limits"): Amounts {
  const amounts = (container: Container) => Object.entries(container.resources?.[field] ?? {}).map(parsed);
  const sidecars: Amounts = new Map();
  const starting: Amounts = new Map();
  for (const container of spec.initContainers ?? []) {
    const isSidecar = container.restartPolicy === "Always";
    for (const [name, amount] of amounts(container)) {
      const together = sum(sidecars.get(name), amount);
      if (isSidecar) sidecars.set(name, together);
      raise(starting, name, together);
    }
  }
  const result: Amounts = new Map(sidecars);
  for (const container of spec.containers) add(result, amounts(container));
  for (const [name, amount] of starting) raise(result, name, amount);
  const overhead = Object.entries(spec.overhead ?? {}).map(parsed);
  add(result, field === "requests" ? overhead : overhead.filter(([name]) => result.has(name)));
  return result;
}

function parsed([name, amount]: [string, string | number]): [string, Quantity] {
  return [name, parseQuantity(String(amount))];
}

function add(result: Amounts, amounts: readonly (readonly [string, Quantity])[]): void {
  for (const [name, amount] of amounts) result.set(name, sum(result.get(name), amount));
}

function raise(result: Amounts, name: string, amount: Quantity): void {
  const known = result.get(name);
  if (!known || amount.nano > known.nano) result.set(name, amount);
}
