import { isPodReady, type Pod } from "../../apis/core/pod.ts";
import type { PodDisruptionBudget } from "../../apis/core/poddisruptionbudget.ts";
import { isoTime } from "../../lib/iso-time.ts";
import type { Api, Call } from "./call.ts";
import { deleteOptionsOf, remove } from "./delete.ts";
import { getEntry } from "./list.ts";
import type { Place } from "./place.ts";
import { matchesSelector } from "./selectors.ts";
import { badRequest, forbidden, statusError, tooManyRequests } from "./status-errors.ts";
import { cloneJson, type Fields, isMap } from "./typed-values.ts";

const budgets = "policy/poddisruptionbudgets";
/** As many may have been evicted without the controller having seen them go. */
const maxDisruptedPods = 2000;

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
  const pod = getEntry(api, place.resource, place.namespace, place.name).object as Pod;
  const phase = pod.status?.phase;
  const counts = phase !== "Succeeded" && phase !== "Failed" && phase !== "Pending" && !pod.metadata.deletionTimestamp;
  if (counts) await takeDisruption(api, pod, options.dryRun);
  await remove(api, call, place, options);
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };
}

async function takeDisruption(api: Api, pod: Pod, dryRun: boolean): Promise<void> {
  const { namespace = "", name, labels } = pod.metadata;
  const covering = api.storage
    .list(budgets, namespace)
    .filter(({ object }) => matchesSelector((object as PodDisruptionBudget).spec?.selector, labels));
  if (covering.length > 1) {
    const why = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    throw statusError(500, "", why);
  }
  const [entry] = covering;
  if (!entry || (!isPodReady(pod) && letsUnreadyGo(entry.object as PodDisruptionBudget))) return;
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
    if (Object.keys(status.disruptedPods ?? {}).length > maxDisruptedPods) {
      const why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller";
      throw forbidden({ group: "policy", resource: "poddisruptionbudget" }, entry.name, why);
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
    if (dryRun) return;
    status.disruptionsAllowed = allowed - 1;
    status.disruptedPods = { ...status.disruptedPods, [name]: isoTime(api.clock.now()) };
    transaction.put(budgets, budget);
  });
}

/** A pod that is not ready is not missed where enough others are, or where its budget says so. */
function letsUnreadyGo({ spec, status }: PodDisruptionBudget): boolean {
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return spec?.unhealthyPodEvictionPolicy === "AlwaysAllow" || (desiredHealthy > 0 && currentHealthy >= desiredHealthy);
}
