import type { PodDisruptionBudget } from "../../apis/core/poddisruptionbudget.ts";
import type { Api, Call } from "./call.ts";
import { deleteOptionsOf, remove } from "./delete.ts";
import { getEntry } from "./list.ts";
import type { Place } from "./place.ts";
import type { Item } from "./resource.ts";
import { matchesSelector } from "./selectors.ts";
import { badRequest, internalError, modifiedMeanwhile, tooManyRequests } from "./status-errors.ts";
import { cloneJson, type Fields, isMap } from "./typed-values.ts";

const budgets = "policy/poddisruptionbudgets";

/**
 * Evicts a pod: deletes it unless its disruption budget does not allow one more (429).
 * Source: k8s.io/kubernetes pkg/registry/core/pod/storage/eviction.go.
 */
export async function evict(api: Api, call: Call, place: Place, body: unknown): Promise<Fields> {
  if (!isMap(body) || body["kind"] !== "Eviction") throw badRequest("expected an Eviction of policy/v1");
  const named = isMap(body["metadata"]) ? body["metadata"]["name"] : undefined;
  if (named !== undefined && named !== place.name) {
    throw badRequest(
      "name in URL does not match name in Eviction object: name in URL does not match name in Eviction object",
    );
  }
  const options = deleteOptionsOf(isMap(body["deleteOptions"]) ? body["deleteOptions"] : undefined, call.query);
  const pod = getEntry(api, place.resource, place.namespace, place.name).object as Item;
  const phase = pod.status?.["phase"];
  const counts = phase !== "Succeeded" && phase !== "Failed" && phase !== "Pending" && !pod.metadata.deletionTimestamp;
  if (counts && !options.dryRun) await takeDisruption(api, pod);
  await remove(api, call, place, options);
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };
}

async function takeDisruption(api: Api, pod: Item): Promise<void> {
  const { namespace = "", name, labels } = pod.metadata;
  const covering = api.storage
    .list(budgets, namespace)
    .filter(({ object }) => matchesSelector((object as PodDisruptionBudget).spec?.selector, labels));
  if (covering.length > 1) {
    throw internalError(
      new Error("This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."),
    );
  }
  const [entry] = covering;
  if (!entry) return;
  await api.storage.write((transaction) => {
    const current = transaction.get(budgets, namespace, entry.name);
    if (!current) return;
    const budget = cloneJson(current.object) as PodDisruptionBudget;
    const status = budget.status;
    if (!status || (status.observedGeneration ?? 0) < (budget.metadata.generation ?? 0)) {
      throw tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 10, [
        {
          reason: "DisruptionBudget",
          message: `The disruption budget ${entry.name} is still being processed by the server.`,
        },
      ]);
    }
    const allowed = status.disruptionsAllowed ?? 0;
    if (allowed <= 0) {
      throw tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0, [
        {
          reason: "DisruptionBudget",
          message: `The disruption budget ${entry.name} needs ${status.desiredHealthy ?? 0} healthy pods and has ${status.currentHealthy ?? 0} currently`,
        },
      ]);
    }
    if (Object.keys(status.disruptedPods ?? {}).length > 2000) {
      throw modifiedMeanwhile({ group: "policy", resource: "poddisruptionbudgets" }, entry.name);
    }
    status.disruptionsAllowed = allowed - 1;
    status.disruptedPods = { ...status.disruptedPods, [name]: new Date(api.clock.now()).toISOString() };
    transaction.put(budgets, budget);
  });
}
