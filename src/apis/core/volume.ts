import { labelSelectorSchema, objectMetaSchema } from "../meta.ts";
import {
  atomic,
  bool,
  described,
  type FromSchema,
  int32,
  int64,
  list,
  maybeEmpty,
  object,
  quantity,
  string,
  stringMap,
  strings,
} from "../schema.ts";
import { fieldSelectorSchema, resourceFieldSelectorSchema, resourceListSchema } from "./container.ts";
import { localObjectReferenceSchema, typedLocalObjectReferenceSchema } from "./references.ts";
import { vendorVolumes } from "./vendor-volumes.ts";

const readOnly = bool("Whether the volume is read-only.", "dropped");
const fsType = string("The file system to mount.");
const defaultMode = int32("The permissions of the files; 0644 unless told.");
const secretRef = described("The Secret with the credentials.", localObjectReferenceSchema);

const keyToPathSchema = object(
  "A key that becomes a file.",
  {
    key: string("The key."),
    path: string("The file's path in the volume; relative, without '..'."),
    mode: int32("The file's permissions; the volume's defaultMode unless told."),
  },
  { required: ["key", "path"] },
);
const items = list("The keys that become files; all of them unless told.", keyToPathSchema);
const optional = bool("Whether the object or its keys may be missing.");

const downwardItems = list(
  "The files.",
  object(
    "A file with a field of the pod.",
    {
      path: string("The file's path in the volume."),
      fieldRef: fieldSelectorSchema,
      resourceFieldRef: resourceFieldSelectorSchema,
      mode: int32("The file's permissions."),
    },
    { required: ["path"] },
  ),
);

export const volumeProjectionSchema = object("One source of a projected volume; exactly one field is set.", {
  secret: object("The keys of a Secret.", { name: string("The Secret's name."), items, optional }, atomic),
  downwardAPI: object("Fields of the pod.", { items: downwardItems }),
  configMap: object("The keys of a ConfigMap.", { name: string("The ConfigMap's name."), items, optional }, atomic),
  serviceAccountToken: object(
    "A token of the pod's service account, renewed in time.",
    {
      audience: string("Whom the token is meant for; the API server unless told."),
      expirationSeconds: int64("The token's life in seconds; 3600 unless told, 600 at least."),
      path: string("The file's path in the volume."),
    },
    { required: ["path"] },
  ),
  clusterTrustBundle: object(
    "Certificates of authorities.",
    {
      name: string("The ClusterTrustBundle's name."),
      signerName: string("Takes all bundles of this signer."),
      labelSelector: labelSelectorSchema,
      optional,
      path: string("The file's path in the volume."),
    },
    { required: ["path"] },
  ),
});

export const persistentVolumeClaimSpecSchema = object("The storage that is asked for.", {
  accessModes: strings("How it is mounted: ReadWriteOnce, ReadOnlyMany, ReadWriteMany, ReadWriteOncePod.", {
    "x-kubernetes-list-type": "atomic",
  }),
  selector: described("Which volumes may be bound.", labelSelectorSchema),
  resources: object("How much storage.", {
    limits: described("At most.", resourceListSchema),
    requests: described("At least.", resourceListSchema),
  }),
  volumeName: string("The PersistentVolume that is bound."),
  storageClassName: string("The StorageClass; the cluster's default unless told, none where empty."),
  volumeMode: string("Filesystem (unless told) or Block."),
  dataSource: described("Where the first content comes from.", typedLocalObjectReferenceSchema),
  dataSourceRef: object(
    "As dataSource, of any kind and namespace.",
    {
      apiGroup: string("The group of the kind."),
      kind: string("The kind of the object."),
      name: string("The object's name."),
      namespace: string("The object's namespace."),
    },
    { required: ["kind", "name"] },
  ),
  volumeAttributesClassName: string("The VolumeAttributesClass."),
});

export const hostPathSchema = object(
  "A path of the node's own file system.",
  { path: string("The path."), type: string("What must be there: Directory, File, Socket, ...") },
  { required: ["path"] },
);
export const nfsSchema = object(
  "A directory of an NFS server.",
  { server: string("The server."), path: string("The exported path."), readOnly },
  { required: ["server", "path"] },
);

export const volumeSchema = object(
  "Files that containers of the pod can mount; beside the name exactly one field is set.",
  {
    name: string("The volume's name, unique in the pod."),
    hostPath: hostPathSchema,
    emptyDir: object("A directory that is empty at first and lives as long as the pod.", {
      medium: string("Memory for a file system in memory; the node's disk unless told."),
      sizeLimit: quantity("The most that it may hold."),
    }),
    secret: object("The keys of a Secret as files.", {
      secretName: string("The Secret's name."),
      items,
      defaultMode,
      optional,
    }),
    nfs: nfsSchema,
    persistentVolumeClaim: object(
      "A PersistentVolumeClaim of the same namespace.",
      { claimName: string("The claim's name."), readOnly },
      { required: ["claimName"] },
    ),
    downwardAPI: object("Fields of the pod as files.", { items: downwardItems, defaultMode }),
    configMap: object(
      "The keys of a ConfigMap as files.",
      { name: string("The ConfigMap's name."), items, defaultMode, optional },
      atomic,
    ),
    projected: object("Several sources in one directory.", {
      sources: list("The sources.", volumeProjectionSchema, maybeEmpty),
      defaultMode,
    }),
    csi: object(
      "A volume of a CSI driver.",
      {
        driver: string("The driver."),
        readOnly,
        fsType,
        volumeAttributes: stringMap("Properties that the driver knows."),
        nodePublishSecretRef: secretRef,
      },
      { required: ["driver"] },
    ),
    ephemeral: object("A PersistentVolumeClaim that is made and deleted with the pod.", {
      volumeClaimTemplate: object(
        "The claim.",
        {
          metadata: described("Labels and annotations of the claim.", objectMetaSchema),
          spec: persistentVolumeClaimSpecSchema,
        },
        { required: ["spec"] },
      ),
    }),
    ...vendorVolumes,
  },
  { required: ["name"] },
);

export type Volume = FromSchema<typeof volumeSchema>;
export type VolumeProjection = FromSchema<typeof volumeProjectionSchema>;
export type KeyToPath = FromSchema<typeof keyToPathSchema>;
