import { defineKind, type ObjectOf } from "../kind.ts";
import { labelSelectorSchema } from "../meta.ts";
import {
  bool,
  described,
  type FromSchema,
  int32,
  int64,
  intOrString,
  list,
  mergedBy,
  object,
  words,
} from "../schema.ts";
import { podTemplateSpecSchema } from "./pod-spec.ts";
import { workloadConditionSchema, workloadSubresources } from "./workload.ts";

/** Pods of one template, replaced step by step when the template changes. */
export const Deployment = defineKind({
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
  shortNames: ["deploy"],
  categories: ["all"],
  description: "Pods of one template, replaced step by step when the template changes.",
  subresources: workloadSubresources,
  properties: {
    spec: object(
      "What is asked for.",
      {
        replicas: int32("How many pods; 1 unless told."),
        selector: described("The pods that belong to it. Cannot be changed.", labelSelectorSchema),
        template: podTemplateSpecSchema,
        strategy: {
          ...object("How pods are replaced.", {
            type: words("RollingUpdate (unless told) or Recreate.", ["RollingUpdate", "Recreate"]),
            rollingUpdate: object("Details of RollingUpdate.", {
              maxUnavailable: intOrString("How many pods may be missing meanwhile; 25% unless told."),
              maxSurge: intOrString("How many pods there may be above replicas meanwhile; 25% unless told."),
            }),
          }),
          "x-kubernetes-patch-strategy": "retainKeys",
        },
        minReadySeconds: int32("Seconds a new pod must be ready before it counts as available.", "dropped"),
        revisionHistoryLimit: int32("How many old ReplicaSets are kept; 10 unless told."),
        paused: bool("Whether changes of the template wait.", "dropped"),
        progressDeadlineSeconds: int32("Seconds without progress after which Progressing is False; 600 unless told."),
      },
      { required: ["selector", "template"] },
    ),
    status: object("What is known of the pods.", {
      observedGeneration: int64("The generation that the status is about.", "dropped"),
      replicas: int32("Pods, old and new.", "dropped"),
      updatedReplicas: int32("Pods of the present template.", "dropped"),
      readyReplicas: int32("Pods that are ready.", "dropped"),
      availableReplicas: int32("Pods that have been ready for minReadySeconds.", "dropped"),
      unavailableReplicas: int32("Pods that are still missing.", "dropped"),
      conditions: list("Aspects of the Deployment's state.", workloadConditionSchema, mergedBy("type")),
      collisionCount: int32("Counts clashes of ReplicaSet names."),
    }),
  },
});
export type Deployment = ObjectOf<typeof Deployment>;
export type WorkloadCondition = FromSchema<typeof workloadConditionSchema>;
