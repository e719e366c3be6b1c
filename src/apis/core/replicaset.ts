import { defineKind, type ObjectOf } from "../kind.ts";
import { labelSelectorSchema } from "../meta.ts";
import { described, int32, int64, list, mergedBy, object } from "../schema.ts";
import { podTemplateSpecSchema } from "./pod-spec.ts";
import { workloadConditionSchema, workloadSubresources } from "./workload.ts";

/** A number of equal pods; Deployments make them. */
export const ReplicaSet = defineKind({
  group: "apps",
  version: "v1",
  kind: "ReplicaSet",
  plural: "replicasets",
  shortNames: ["rs"],
  categories: ["all"],
  description: "A number of equal pods.",
  subresources: workloadSubresources,
  properties: {
    spec: object(
      "What is asked for.",
      {
        replicas: int32("How many pods; 1 unless told."),
        minReadySeconds: int32("Seconds a new pod must be ready before it counts as available.", "dropped"),
        selector: described("The pods that belong to it. Cannot be changed.", labelSelectorSchema),
        template: podTemplateSpecSchema,
      },
      { required: ["selector"] },
    ),
    status: object(
      "What is known of the pods.",
      {
        replicas: int32("Pods.", "shown"),
        fullyLabeledReplicas: int32("Pods with all labels of the template.", "dropped"),
        readyReplicas: int32("Pods that are ready.", "dropped"),
        availableReplicas: int32("Pods that have been ready for minReadySeconds.", "dropped"),
        observedGeneration: int64("The generation that the status is about.", "dropped"),
        conditions: list("Aspects of the ReplicaSet's state.", workloadConditionSchema, mergedBy("type")),
      },
      { required: ["replicas"] },
    ),
  },
});
export type ReplicaSet = ObjectOf<typeof ReplicaSet>;
