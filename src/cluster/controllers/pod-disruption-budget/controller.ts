import { Deployment } from "../../../apis/core/deployment.ts";
import { Pod } from "../../../apis/core/pod.ts";
import { PodDisruptionBudget } from "../../../apis/core/poddisruptionbudget.ts";
import { ReplicaSet } from "../../../apis/core/replicaset.ts";
import { StatefulSet } from "../../../apis/core/statefulset.ts";
import { controllerOf, keyOf } from "../../../apis/meta.ts";
import type { Informers } from "../../../kube/api.ts";
import { type Controller, watching } from "../../../kube/controller.ts";
import { matchesSelector } from "../../api/selectors.ts";
import { type BuiltinContext, startBuiltinController } from "../context.ts";
import { hasEnded } from "../pods.ts";
import { budgetStatus } from "./status.ts";

/** Keeps account of how many pods every disruption budget lets go. */
export function startPodDisruptionBudgetController(context: BuiltinContext): Controller {
  const { informers } = context;
  const pods = informers.of(Pod);
  const budgets = informers.of(PodDisruptionBudget);
  const scaleOf = scaleReader(informers);
  const covering = ({ metadata: { namespace = "", labels } }: Pod) =>
    budgets
      .list({ namespace })
      .filter(({ spec }) => matchesSelector(spec?.selector, labels))
      .map(keyOf);
  return startBuiltinController(context, {
    name: "controllermanager",
    kind: PodDisruptionBudget,
    deps: {},
    async reconcile(budget, _deps, { clock }) {
      const covered = pods
        .list({ namespace: budget.metadata.namespace ?? "" })
        .filter((pod) => !hasEnded(pod) && matchesSelector(budget.spec?.selector, pod.metadata.labels));
      const { status, recheckMs } = budgetStatus(budget, covered, scaleOf(covered), clock.now());
      return { status, ...(recheckMs !== undefined && { requeueAfterMs: recheckMs }) };
    },
    watches: [watching(pods, covering)],
  });
}

/** Adds up the replicas of the controllers of pods, each once; a pod without a known controller counts as one. */
function scaleReader(informers: Informers): (pods: readonly Pod[]) => number {
  const sets = informers.of(ReplicaSet);
  const statefulSets = informers.of(StatefulSet);
  const deployments = informers.of(Deployment);
  return (pods) => {
    const scales = new Map<string, number>();
    for (const pod of pods) {
      const namespace = pod.metadata.namespace ?? "";
      const owner = controllerOf(pod);
      const ref = { name: owner?.name ?? "", namespace };
      const set = owner?.kind === "ReplicaSet" ? sets.get(ref) : undefined;
      const above = set && controllerOf(set);
      const deployment = above?.kind === "Deployment" ? deployments.get({ name: above.name, namespace }) : undefined;
      const statefulSet = owner?.kind === "StatefulSet" ? statefulSets.get(ref) : undefined;
      const controller = deployment ?? set ?? statefulSet;
      scales.set(controller?.metadata.uid ?? pod.metadata.uid ?? "", controller ? (controller.spec.replicas ?? 1) : 1);
    }
    return [...scales.values()].reduce((sum, scale) => sum + scale, 0);
  };
}
