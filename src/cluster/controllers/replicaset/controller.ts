import { Pod } from "../../../apis/core/pod.ts";
import { ReplicaSet } from "../../../apis/core/replicaset.ts";
import { keyOf } from "../../../apis/meta.ts";
import { type Controller, ownedBy, watching } from "../../../kube/controller.ts";
import { matchesSelector } from "../../api/selectors.ts";
import { type BuiltinContext, startBuiltinController } from "../context.ts";
import { createExpectations } from "../expectations.ts";
import { reconcileReplicaSet } from "./reconcile.ts";

/** Keeps as many pods of every ReplicaSet as it asks for. */
export function startReplicaSetController(context: BuiltinContext): Controller {
  const pods = context.informers.of(Pod);
  const sets = context.informers.of(ReplicaSet);
  const controlled = ownedBy(ReplicaSet);
  return startBuiltinController(context, {
    name: "replicaset-controller",
    kind: ReplicaSet,
    deps: { client: context.client, pods, expectations: createExpectations(pods, context.clock) },
    reconcile: reconcileReplicaSet,
    watches: [
      watching(pods, (pod) => {
        if (pod.metadata.ownerReferences?.some(({ controller }) => controller)) return controlled(pod);
        const namespace = pod.metadata.namespace ?? "";
        return sets
          .list({ namespace })
          .filter((set) => matchesSelector(set.spec.selector, pod.metadata.labels))
          .map(keyOf);
      }),
    ],
  });
}
