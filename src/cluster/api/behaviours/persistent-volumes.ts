import type { Behaviour } from "../resource.ts";

export const persistentVolumeClaim: Behaviour = {
  setDefaults(item) {
    item.spec ??= {};
    const { spec } = item;
    spec["volumeMode"] ??= "Filesystem";
  },
  prepareCreate(item) {
    item.status = { phase: "Pending" };
  },
};

export const persistentVolume: Behaviour = {
  setDefaults(item) {
    item.spec ??= {};
    const { spec } = item;
    spec["volumeMode"] ??= "Filesystem";
    spec["persistentVolumeReclaimPolicy"] ??= "Retain";
  },
  prepareCreate(item) {
    item.status = { phase: "Pending" };
  },
};

export const storageClass: Behaviour = {
  setDefaults(item) {
    item["reclaimPolicy"] ??= "Delete";
    item["volumeBindingMode"] ??= "Immediate";
  },
};
