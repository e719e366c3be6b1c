import { Deployment } from "../../../apis/core/deployment.ts";
import { Pod } from "../../../apis/core/pod.ts";
import { ReplicaSet } from "../../../apis/core/replicaset.ts";
import { keyOf, splitKey } from "../../../apis/meta.ts";
import { type Controller, ownedBy, watching } from "../../../kube/controller.ts";
import { matchesSelector } from "../../api/selectors.ts";
import { type BuiltinContext, startBuiltinController } from "../context.ts";
import { reconcileDeployment } from "./reconcile.ts";

/** Rolls Deployments out by means of ReplicaSets. */
export function startDeploymentController(context: BuiltinContext): Controller {
  const { informers } = context;
  const sets = informers.of(ReplicaSet);
  const pods = informers.of(Pod);
  const deployments = informers.of(Deployment);
  const ownerOfSet = ownedBy(Deployment);
  const ownerOfPod = ownedBy(ReplicaSet);
  return startBuiltinController(context, {
    name: "deployment-controller",
    kind: Deployment,
    deps: { client: context.client, sets, pods },
    reconcile: reconcileDeployment,
    watches: [
      watching(sets, (set) => {
        if (set.metadata.ownerReferences?.some(({ controller }) => controller)) return ownerOfSet(set);
        const candidates = deployments.list({ namespace: set.metadata.namespace ?? "" });
        return candidates.filter(({ spec }) => matchesSelector(spec.selector, set.metadata.labels)).map(keyOf);
      }),
      // Recreate waits for the last old pod to go.
      watching(pods, (pod) => {
        const [setKey] = ownerOfPod(pod);
        const set = setKey && sets.get(splitKey(setKey));
        const keys = set ? ownerOfSet(set) : [];
        return keys.filter((key) => deployments.get(splitKey(key))?.spec.strategy?.type === "Recreate");
      }),
    ],
  });
}
