import type { Pod } from "../../../apis/core/pod.ts";
import type { ResourceQuota } from "../../../apis/core/resourcequota.ts";
import type { KubeObject } from "../../../apis/meta.ts";
import { parseQuantity, type Quantity, quantityOfNano } from "../../../lib/quantity.ts";
import { forbidden } from "../status-errors.ts";
import type { Storage, StorageReader, Transaction } from "../storage.ts";
import { isInScope } from "./scopes.ts";
import { difference, requestNames, resourceUsing, sum, type Usage, usageOf } from "./usage.ts";

const quotasKey = "resourcequotas";

/**
 * The same storage, in which no write may exceed a ResourceQuota, and in which the status of every quota says what is
 * used, in the very transaction that changes it: there is nothing to count again and nothing to lose in a race.
 * Source of rules and words: k8s.io/apiserver v0.34 plugin/resourcequota.
 */
export function withQuotas(storage: Storage): Storage {
  return {
    get: storage.get,
    list: storage.list,
    get revision() {
      return storage.revision;
    },
    write: (operation) => storage.write((transaction) => operation(charging(transaction))),
    onChange: storage.onChange,
    close: storage.close,
  };
}

function charging(transaction: Transaction): Transaction {
  return {
    ...transaction,
    put(resource, object) {
      const { namespace = "", name } = object.metadata;
      charge(transaction, resource, namespace, transaction.get(resource, namespace, name)?.object, object);
      const counted = resource === quotasKey ? withStatus(transaction, object as ResourceQuota) : object;
      return transaction.put(resource, counted);
    },
    remove(resource, namespace, name) {
      charge(transaction, resource, namespace, transaction.get(resource, namespace, name)?.object, undefined);
      return transaction.remove(resource, namespace, name);
    },
  };
}

/** Writes into the namespace's quotas what a change of one object makes of them. Throws 403 when one is exceeded. */
function charge(
  transaction: Transaction,
  resource: string,
  namespace: string,
  before: KubeObject | undefined,
  after: KubeObject | undefined,
): void {
  if (namespace === "") return;
  const quotas = transaction.list(quotasKey, namespace).map(({ object }) => object as ResourceQuota);
  const concerned = quotas.filter((quota) => quota.metadata.name !== after?.metadata.name || resource !== quotasKey);
  const charges = concerned
    .map((quota) => ({ quota, delta: deltaOf(quota, resource, before, after) }))
    .filter(({ delta }) => delta.size > 0);
  if (after && !before && resource === "pods") {
    for (const quota of concerned) if (isInScope(quota, resource, after)) requireAmounts(quota, after as Pod);
  }
  for (const { quota, delta } of charges) requireRoom(quota, delta, resource, after?.metadata.name ?? "");
  for (const { quota, delta } of charges) {
    const used = Object.fromEntries(
      [...namesOf(quota)].map((name) => [name, sum(usedOf(quota, name), delta.get(name)).text]),
    );
    transaction.put(quotasKey, { ...quota, status: { ...quota.status, used } } as ResourceQuota);
  }
}

/** By how much each resource of the quota is used more, or less. */
function deltaOf(
  quota: ResourceQuota,
  resource: string,
  before: KubeObject | undefined,
  after: KubeObject | undefined,
): Usage {
  const counted = (object: KubeObject | undefined) =>
    usageOf(resource, object && isInScope(quota, resource, object) ? object : undefined);
  const [was, is] = [counted(before), counted(after)];
  const deltas = namesOf(quota).map((name) => [name, difference(is.get(name), was.get(name))] as const);
  return new Map(deltas.filter(([, { nano }]) => nano !== 0n));
}

const namesOf = (quota: ResourceQuota) => Object.keys(quota.spec?.hard ?? {});
const hardOf = (quota: ResourceQuota, name: string) => parseQuantity(String(quota.spec?.hard?.[name] ?? "0"));
const usedOf = (quota: ResourceQuota, name: string) => parseQuantity(String(quota.status?.used?.[name] ?? "0"));

function requireRoom(quota: ResourceQuota, delta: Usage, resource: string, name: string): void {
  const exceeded = [...delta.keys()].filter((key) => {
    const more = delta.get(key)!.nano;
    return more > 0n && usedOf(quota, key).nano + more > hardOf(quota, key).nano;
  });
  if (exceeded.length === 0) return;
  const shown = (amount: (key: string) => Quantity) =>
    exceeded
      .sort()
      .map((key) => `${key}=${amount(key).text}`)
      .join(",");
  const requested = shown((key) => delta.get(key)!);
  const used = shown((key) => usedOf(quota, key));
  const limited = shown((key) => hardOf(quota, key));
  const why = `exceeded quota: ${quota.metadata.name}, requested: ${requested}, used: ${used}, limited: ${limited}`;
  throw forbidden(targetOf(resource), name, why);
}

const mustBeTold = ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];

/** Where a quota limits CPU or memory, every container has to say how much it takes. */
function requireAmounts(quota: ResourceQuota, pod: Pod): void {
  const limited = mustBeTold.filter((name) => namesOf(quota).includes(name));
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const lacking = limited.flatMap((name) => {
    const silent = containers.filter(({ resources }) => {
      const told = Object.keys(resources?.requests ?? {}).flatMap(requestNames);
      return !told.includes(name) && !Object.keys(resources?.limits ?? {}).some((limit) => `limits.${limit}` === name);
    });
    const names = [...new Set(silent.map((container) => container.name))].sort();
    return names.length === 0 ? [] : [`${name} for: ${names.join(",")}`];
  });
  if (lacking.length === 0) return;
  const why = `failed quota: ${quota.metadata.name}: must specify ${lacking.join("; ")}`;
  throw forbidden(targetOf("pods"), pod.metadata.name, why);
}

function targetOf(resource: string): { group: string; resource: string } {
  const [first = "", plural] = resource.split("/");
  return plural === undefined ? { group: "", resource: first } : { group: first, resource: plural };
}

/** The quota with what the objects of its namespace use at present. */
function withStatus(reader: StorageReader, quota: ResourceQuota): ResourceQuota {
  const { namespace = "", name } = quota.metadata;
  const used = new Map(namesOf(quota).map((key) => [key, quantityOfNano(0n, "decimalSI")]));
  for (const resource of new Set(namesOf(quota).map(resourceUsing))) {
    const others = reader.list(resource, namespace).map(({ object }) => object);
    const isNew = resource === quotasKey && !others.some((other) => other.metadata.name === name);
    for (const object of isNew ? [...others, quota] : others) {
      if (!isInScope(quota, resource, object)) continue;
      const usage = usageOf(resource, object);
      for (const key of used.keys()) if (usage.has(key)) used.set(key, sum(used.get(key), usage.get(key)));
    }
  }
  const status = { hard: quota.spec?.hard, used: Object.fromEntries([...used].map(([key, { text }]) => [key, text])) };
  return { ...quota, status } as ResourceQuota;
}
