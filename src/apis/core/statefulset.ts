import { defineKind, type ObjectOf } from "../kind.ts";
import { labelSelectorSchema, objectMetaSchema } from "../meta.ts";
import { described, int32, int64, intOrString, list, mergedBy, object, string, words } from "../schema.ts";
import { podTemplateSpecSchema } from "./pod-spec.ts";
import { persistentVolumeClaimSpecSchema } from "./volume.ts";
import { workloadConditionSchema, workloadSubresources } from "./workload.ts";

/** Pods with lasting names, numbered from 0. */
export const StatefulSet = defineKind({
  group: "apps",
  version: "v1",
  kind: "StatefulSet",
  plural: "statefulsets",
  shortNames: ["sts"],
  categories: ["all"],
  description: "Pods with lasting names, numbered from 0.",
  subresources: workloadSubresources,
  properties: {
    spec: object(
      "What is asked for.",
      {
        replicas: int32("How many pods; 1 unless told."),
        selector: described("The pods that belong to it. Cannot be changed.", labelSelectorSchema),
        template: podTemplateSpecSchema,
        volumeClaimTemplates: list(
          "Claims made for every pod.",
          object("One claim.", {
            apiVersion: string("v1."),
            kind: string("PersistentVolumeClaim."),
            metadata: described("The claim's name, labels and annotations.", objectMetaSchema),
            spec: persistentVolumeClaimSpecSchema,
            status: object("Not used here.", { phase: string("The claim's phase.") }),
          }),
          { "x-kubernetes-list-type": "atomic" },
        ),
        serviceName: string("The Service that gives the pods their DNS names."),
        podManagementPolicy: words("OrderedReady (unless told): one after another; Parallel: all at once.", [
          "OrderedReady",
          "Parallel",
        ]),
        updateStrategy: object("How pods are replaced.", {
          type: words("RollingUpdate (unless told) or OnDelete.", ["RollingUpdate", "OnDelete"]),
          rollingUpdate: object("Details of RollingUpdate.", {
            partition: int32("Only pods from this number on are replaced."),
            maxUnavailable: intOrString("How many pods may be missing meanwhile; 1 unless told."),
          }),
        }),
        revisionHistoryLimit: int32("How many old versions are kept; 10 unless told."),
        minReadySeconds: int32("Seconds a new pod must be ready before it counts as available.", "dropped"),
        persistentVolumeClaimRetentionPolicy: object("What becomes of the claims.", {
          whenDeleted: string("When the StatefulSet is deleted: Retain or Delete."),
          whenScaled: string("When it is scaled down: Retain or Delete."),
        }),
        ordinals: object("How pods are numbered.", { start: int32("The first number.") }, { required: ["start"] }),
      },
      { required: ["selector", "template", "serviceName"] },
    ),
    status: object(
      "What is known of the pods.",
      {
        observedGeneration: int64("The generation that the status is about.", "dropped"),
        replicas: int32("Pods.", "shown"),
        readyReplicas: int32("Pods that are ready.", "dropped"),
        currentReplicas: int32("Pods of currentRevision.", "dropped"),
        updatedReplicas: int32("Pods of updateRevision.", "dropped"),
        currentRevision: string("The version before the change."),
        updateRevision: string("The version that pods are replaced by."),
        collisionCount: int32("Counts clashes of names."),
        conditions: list("Aspects of the StatefulSet's state.", workloadConditionSchema, mergedBy("type")),
        availableReplicas: int32("Pods that have been ready for minReadySeconds.", "shown"),
      },
      { required: ["replicas"] },
    ),
  },
});
export type StatefulSet = ObjectOf<typeof StatefulSet>;
