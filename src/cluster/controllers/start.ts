import type { BuiltinContext } from "./context.ts";
import { startDeploymentController } from "./deployment/controller.ts";
import { startEndpointsControllers } from "./endpoints/controller.ts";
import { startGarbageCollector } from "./garbage-collector/controller.ts";
import { startNamespaceController } from "./namespace/controller.ts";
import { startPodDisruptionBudgetController } from "./pod-disruption-budget/controller.ts";
import { startReplicaSetController } from "./replicaset/controller.ts";
import { startScheduler } from "./scheduler/controller.ts";
import { startServiceAccountController } from "./service-account/controller.ts";
import { startStatefulSetController } from "./statefulset/controller.ts";

/**
 * Starts the controllers that every Kubernetes cluster has. They run until the context's signal aborts; `done` settles
 * when all have ended.
 */
export function startBuiltinControllers(context: BuiltinContext): { readonly done: Promise<void> } {
  const started = [
    startDeploymentController(context),
    startReplicaSetController(context),
    startStatefulSetController(context),
    ...startEndpointsControllers(context),
    startScheduler(context),
    startPodDisruptionBudgetController(context),
    startServiceAccountController(context),
    startNamespaceController(context),
    startGarbageCollector(context),
  ];
  return { done: Promise.all(started.map(({ done }) => done)).then(() => {}) };
}
