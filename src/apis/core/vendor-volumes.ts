import { bool, described, int32, object, string, stringMap, strings } from "../schema.ts";
import { localObjectReferenceSchema } from "./references.ts";

const readOnly = bool("Whether the volume is read-only.", "dropped");
const fsType = string("The file system to mount.");
const secretRef = described("The Secret with the credentials.", localObjectReferenceSchema);

/** Kinds of volumes that run on particular clouds and storage systems. */
export const vendorVolumes = {
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
