import { Pod } from "../../../apis/core/pod.ts";
import { StatefulSet } from "../../../apis/core/statefulset.ts";
import { keyOf } from "../../../apis/meta.ts";
import { type Controller, ownedBy, watching } from "../../../kube/controller.ts";
import { matchesSelector } from "../../api/selectors.ts";
import { type BuiltinContext, startBuiltinController } from "../context.ts";
import { reconcileStatefulSet } from "./reconcile.ts";

/** Keeps the numbered pods of every StatefulSet. */
export function startStatefulSetController(context: BuiltinContext): Controller {
  const pods = context.informers.of(Pod);
  const sets = context.informers.of(StatefulSet);
  const controlled = ownedBy(StatefulSet);
  return startBuiltinController(context, {
    name: "statefulset-controller",
    kind: StatefulSet,
    deps: { client: context.client, pods },
    reconcile: reconcileStatefulSet,
    watches: [
      watching(pods, (pod) => {
        if (pod.metadata.ownerReferences?.some(({ controller }) => controller)) return controlled(pod);
        const candidates = sets.list({ namespace: pod.metadata.namespace ?? "" });
        return candidates.filter(({ spec }) => matchesSelector(spec.selector, pod.metadata.labels)).map(keyOf);
      }),
    ],
  });
}
