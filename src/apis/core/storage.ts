import { defineKind, type ObjectOf } from "../kind.ts";
import {
  atomicList,
  bool,
  described,
  list,
  mapOf,
  mergedBy,
  object,
  string,
  stringMap,
  strings,
  time,
  words,
} from "../schema.ts";
import { resourceListSchema } from "./container.ts";
import { objectReferenceSchema, secretReferenceSchema } from "./references.ts";
import { nodeSelectorSchema } from "./scheduling.ts";
import { hostPathSchema, nfsSchema, persistentVolumeClaimSpecSchema } from "./volume.ts";

/** A piece of storage. Of the many sources, those are described that a cluster of today uses. */
export const PersistentVolume = defineKind({
  group: "",
  version: "v1",
  kind: "PersistentVolume",
  plural: "persistentvolumes",
  namespaced: false,
  shortNames: ["pv"],
  description: "A piece of storage.",
  subresources: { status: true },
  properties: {
    spec: object("What it is.", {
      capacity: described("How much it holds.", resourceListSchema),
      hostPath: hostPathSchema,
      nfs: nfsSchema,
      local: object(
        "A disk or directory of a node.",
        { path: string("The path."), fsType: string("The file system to mount.") },
        { required: ["path"] },
      ),
      csi: object(
        "A volume of a CSI driver.",
        {
          driver: string("The driver."),
          volumeHandle: string("The volume's name at the driver."),
          readOnly: bool("Whether the volume is read-only."),
          fsType: string("The file system to mount."),
          volumeAttributes: stringMap("Properties that the driver knows."),
          controllerPublishSecretRef: secretReferenceSchema,
          nodeStageSecretRef: secretReferenceSchema,
          nodePublishSecretRef: secretReferenceSchema,
          controllerExpandSecretRef: secretReferenceSchema,
          nodeExpandSecretRef: secretReferenceSchema,
        },
        { required: ["driver", "volumeHandle"] },
      ),
      accessModes: strings("How it can be mounted.", atomicList),
      claimRef: {
        ...described("The claim that it is bound to.", objectReferenceSchema),
        "x-kubernetes-map-type": "granular",
      },
      persistentVolumeReclaimPolicy: words("What becomes of it when the claim goes.", ["Retain", "Recycle", "Delete"]),
      storageClassName: string("Its StorageClass."),
      mountOptions: strings("Options of the mount.", atomicList),
      volumeMode: string("Filesystem (unless told) or Block."),
      nodeAffinity: object("Which nodes can reach it.", { required: nodeSelectorSchema }),
      volumeAttributesClassName: string("Its VolumeAttributesClass."),
    }),
    status: object("What is known of it.", {
      phase: words("Where it is in its life.", ["Pending", "Available", "Bound", "Released", "Failed"]),
      message: string("Why."),
      reason: string("Why, in one word."),
      lastPhaseTransitionTime: time("When the phase last changed."),
    }),
  },
});
export type PersistentVolume = ObjectOf<typeof PersistentVolume>;

/** A wish for storage, met by a PersistentVolume. */
export const PersistentVolumeClaim = defineKind({
  group: "",
  version: "v1",
  kind: "PersistentVolumeClaim",
  plural: "persistentvolumeclaims",
  shortNames: ["pvc"],
  description: "A wish for storage, met by a PersistentVolume.",
  subresources: { status: true },
  properties: {
    spec: persistentVolumeClaimSpecSchema,
    status: object("What is known of it.", {
      phase: words("Where it is in its life.", ["Pending", "Bound", "Lost"]),
      accessModes: strings("How it can be mounted.", atomicList),
      capacity: described("How much it holds.", resourceListSchema),
      conditions: list(
        "Aspects of its state.",
        object(
          "One aspect.",
          {
            type: string("The aspect."),
            status: words("True, False or Unknown.", ["True", "False", "Unknown"]),
            lastProbeTime: time("When it was last looked at."),
            lastTransitionTime: time("When it last changed."),
            reason: string("One word for the last change."),
            message: string("Details of the last change."),
          },
          { required: ["type", "status"] },
        ),
        mergedBy("type"),
      ),
      allocatedResources: described("What is reserved for it.", resourceListSchema),
      allocatedResourceStatuses: mapOf("The state of a change of size.", string("The state.")),
      currentVolumeAttributesClassName: string("Its VolumeAttributesClass."),
    }),
  },
});
export type PersistentVolumeClaim = ObjectOf<typeof PersistentVolumeClaim>;

/** A way in which storage is made. */
export const StorageClass = defineKind({
  group: "storage.k8s.io",
  version: "v1",
  kind: "StorageClass",
  plural: "storageclasses",
  namespaced: false,
  shortNames: ["sc"],
  description: "A way in which storage is made.",
  properties: {
    provisioner: string("Who makes it."),
    parameters: stringMap("Parameters that the provisioner knows."),
    reclaimPolicy: string("What becomes of the storage when the claim goes: Delete (unless told) or Retain."),
    mountOptions: strings("Options of the mount.", atomicList),
    allowVolumeExpansion: bool("Whether it can grow."),
    volumeBindingMode: string("Immediate (unless told) or WaitForFirstConsumer."),
    allowedTopologies: list(
      "Where it may be made.",
      object(
        "One place.",
        {
          matchLabelExpressions: list(
            "Conditions on nodes.",
            object(
              "One condition.",
              { key: string("The label."), values: strings("Its values.", atomicList) },
              { required: ["key", "values"] },
            ),
            atomicList,
          ),
        },
        { "x-kubernetes-map-type": "atomic" },
      ),
      atomicList,
    ),
  },
});
export type StorageClass = ObjectOf<typeof StorageClass>;
