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

/** Kinds of volumes that run on particular clouds and storage systems. */
const vendorVolumes = {
  gcePersistentDisk: object(
    "A disk of Google Compute Engine.",
    { pdName: string("The disk's name."), fsType, partition: int32("The partition.", "dropped"), readOnly },
    { required: ["pdName"] },
  ),
  awsElasticBlockStore: object(
    "A disk of Amazon EBS.",
    { volumeID: string("The disk's id."), fsType, partition: int32("The partition.", "dropped"), readOnly },
    { required: ["volumeID"] },
  ),
  gitRepo: object(
    "A clone of a git repository (deprecated).",
    { repository: string("The URL."), revision: string("The commit."), directory: string("Where to clone to.") },
    { required: ["repository"] },
  ),
  iscsi: object(
    "A disk over iSCSI.",
    {
      targetPortal: string("The portal's address and port."),
      iqn: string("The target's qualified name."),
      lun: int32("The target's LUN.", "shown"),
      iscsiInterface: string("The interface's name."),
      fsType,
      readOnly,
      portals: strings("More portals."),
      chapAuthDiscovery: bool("Whether discovery uses CHAP.", "dropped"),
      chapAuthSession: bool("Whether the session uses CHAP.", "dropped"),
      secretRef,
      initiatorName: string("The initiator's name."),
    },
    { required: ["targetPortal", "iqn", "lun"] },
  ),
  glusterfs: object(
    "A GlusterFS volume.",
    { endpoints: string("The Endpoints object."), path: string("The volume's path."), readOnly },
    { required: ["endpoints", "path"] },
  ),
  rbd: object(
    "A Ceph block device.",
    {
      monitors: strings("The monitors."),
      image: string("The image's name."),
      fsType,
      pool: string("The pool."),
      user: string("The user."),
      keyring: string("The keyring's path."),
      secretRef,
      readOnly,
    },
    { required: ["monitors", "image"] },
  ),
  flexVolume: object(
    "A volume of an exec driver.",
    { driver: string("The driver."), fsType, secretRef, readOnly, options: stringMap("Options of the driver.") },
    { required: ["driver"] },
  ),
  cinder: object(
    "A volume of OpenStack Cinder.",
    { volumeID: string("The volume's id."), fsType, readOnly, secretRef },
    { required: ["volumeID"] },
  ),
  cephfs: object(
    "A Ceph file system.",
    {
      monitors: strings("The monitors."),
      path: string("The path to mount."),
      user: string("The user."),
      secretFile: string("The keyring's path."),
      secretRef,
      readOnly,
    },
    { required: ["monitors"] },
  ),
  flocker: object("A Flocker volume.", {
    datasetName: string("The dataset's name."),
    datasetUUID: string("Its UUID."),
  }),
  fc: object("A disk over Fibre Channel.", {
    targetWWNs: strings("The targets' names."),
    lun: int32("The LUN."),
    fsType,
    readOnly,
    wwids: strings("World wide identifiers."),
  }),
  azureFile: object(
    "A file share of Azure.",
    { secretName: string("The Secret with the account."), shareName: string("The share's name."), readOnly },
    { required: ["secretName", "shareName"] },
  ),
  vsphereVolume: object(
    "A disk of vSphere.",
    {
      volumePath: string("The disk's path."),
      fsType,
      storagePolicyName: string("The policy's name."),
      storagePolicyID: string("The policy's id."),
    },
    { required: ["volumePath"] },
  ),
  quobyte: object(
    "A Quobyte volume.",
    {
      registry: string("The registries."),
      volume: string("The volume's name."),
      readOnly,
      user: string("The user."),
      group: string("The group."),
      tenant: string("The tenant."),
    },
    { required: ["registry", "volume"] },
  ),
  azureDisk: object(
    "A disk of Azure.",
    {
      diskName: string("The disk's name."),
      diskURI: string("The disk's URI."),
      cachingMode: string("None, ReadOnly or ReadWrite."),
      fsType,
      readOnly,
      kind: string("Shared, Dedicated or Managed."),
    },
    { required: ["diskName", "diskURI"] },
  ),
  photonPersistentDisk: object("A disk of Photon.", { pdID: string("The disk's id."), fsType }, { required: ["pdID"] }),
  portworxVolume: object(
    "A Portworx volume.",
    { volumeID: string("The volume's id."), fsType, readOnly },
    { required: ["volumeID"] },
  ),
  scaleIO: object(
    "A ScaleIO volume.",
    {
      gateway: string("The gateway's address."),
      system: string("The system's name."),
      secretRef,
      sslEnabled: bool("Whether TLS is used.", "dropped"),
      protectionDomain: string("The protection domain."),
      storagePool: string("The storage pool."),
      storageMode: string("ThickProvisioned or ThinProvisioned."),
      volumeName: string("The volume's name."),
      fsType,
      readOnly,
    },
    { required: ["gateway", "system", "secretRef"] },
  ),
  storageos: object("A StorageOS volume.", {
    volumeName: string("The volume's name."),
    volumeNamespace: string("The volume's namespace."),
    fsType,
    readOnly,
    secretRef,
  }),
} as const;

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
