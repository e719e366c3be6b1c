/**
 * How Go sees the types of a revision: the names and the order of their fields. Messages about changes of a revision
 * show Go values, so they need this. A field is `Name` where JSON calls it `name` and it is a string, else
 * `Name=jsonName:type`; `.Type` is an embedded type, whose fields JSON has among the others. After `|` stands the order
 * in which the type prints itself, where that is another one.
 * Source: k8s.io/api v0.29.2 core/v1, k8s.io/apimachinery v0.29.2 meta/v1, serving v0.42.2 v1.
 */
const declarations = {
  RevisionTemplateSpec: "ObjectMeta=metadata:ObjectMeta Spec:RevisionSpec",
  RevisionSpec:
    ".PodSpec ContainerConcurrency:*int64 TimeoutSeconds:*int64 ResponseStartTimeoutSeconds:*int64 IdleTimeoutSeconds:*int64",
  AWSElasticBlockStoreVolumeSource: "VolumeID FSType=fsType Partition:int32 ReadOnly:bool",
  Affinity: "NodeAffinity:*NodeAffinity PodAffinity:*PodAffinity PodAntiAffinity:*PodAntiAffinity",
  AzureDiskVolumeSource:
    "DiskName DataDiskURI=diskURI CachingMode:*string FSType=fsType:*string ReadOnly:*bool Kind:*string",
  AzureFileVolumeSource: "SecretName ShareName ReadOnly:bool",
  CSIVolumeSource:
    "Driver ReadOnly:*bool FSType=fsType:*string VolumeAttributes:map NodePublishSecretRef:*LocalObjectReference",
  Capabilities: "Add:[]string Drop:[]string",
  CephFSVolumeSource: "Monitors:[]string Path User SecretFile SecretRef:*LocalObjectReference ReadOnly:bool",
  CinderVolumeSource: "VolumeID FSType=fsType ReadOnly:bool SecretRef:*LocalObjectReference",
  ClaimSource: "ResourceClaimName:*string ResourceClaimTemplateName:*string",
  ClusterTrustBundleProjection:
    "Name:*string SignerName:*string LabelSelector:*LabelSelector Optional:*bool Path | Name SignerName LabelSelector Path Optional",
  ConfigMapEnvSource: ".LocalObjectReference Optional:*bool",
  ConfigMapKeySelector: ".LocalObjectReference Key Optional:*bool",
  ConfigMapProjection: ".LocalObjectReference Items:[]KeyToPath Optional:*bool",
  ConfigMapVolumeSource: ".LocalObjectReference Items:[]KeyToPath DefaultMode:*int32 Optional:*bool",
  Container:
    "Name Image Command:[]string Args:[]string WorkingDir Ports:[]ContainerPort EnvFrom:[]EnvFromSource Env:[]EnvVar Resources:ResourceRequirements ResizePolicy:[]ContainerResizePolicy RestartPolicy:*string VolumeMounts:[]VolumeMount VolumeDevices:[]VolumeDevice LivenessProbe:*Probe ReadinessProbe:*Probe StartupProbe:*Probe Lifecycle:*Lifecycle TerminationMessagePath TerminationMessagePolicy ImagePullPolicy SecurityContext:*SecurityContext Stdin:bool StdinOnce:bool TTY=tty:bool | Name Image Command Args WorkingDir Ports Env Resources VolumeMounts LivenessProbe ReadinessProbe Lifecycle TerminationMessagePath ImagePullPolicy SecurityContext Stdin StdinOnce TTY EnvFrom TerminationMessagePolicy VolumeDevices StartupProbe ResizePolicy RestartPolicy",
  ContainerPort: "Name HostPort:int32 ContainerPort:int32 Protocol HostIP",
  ContainerResizePolicy: "ResourceName RestartPolicy",
  DownwardAPIProjection: "Items:[]DownwardAPIVolumeFile",
  DownwardAPIVolumeFile: "Path FieldRef:*ObjectFieldSelector ResourceFieldRef:*ResourceFieldSelector Mode:*int32",
  DownwardAPIVolumeSource: "Items:[]DownwardAPIVolumeFile DefaultMode:*int32",
  EmptyDirVolumeSource: "Medium SizeLimit:*Quantity",
  EnvFromSource: "Prefix ConfigMapRef:*ConfigMapEnvSource SecretRef:*SecretEnvSource",
  EnvVar: "Name Value ValueFrom:*EnvVarSource",
  EnvVarSource:
    "FieldRef:*ObjectFieldSelector ResourceFieldRef:*ResourceFieldSelector ConfigMapKeyRef:*ConfigMapKeySelector SecretKeyRef:*SecretKeySelector",
  EphemeralContainer: ".EphemeralContainerCommon TargetContainerName",
  EphemeralContainerCommon:
    "Name Image Command:[]string Args:[]string WorkingDir Ports:[]ContainerPort EnvFrom:[]EnvFromSource Env:[]EnvVar Resources:ResourceRequirements ResizePolicy:[]ContainerResizePolicy RestartPolicy:*string VolumeMounts:[]VolumeMount VolumeDevices:[]VolumeDevice LivenessProbe:*Probe ReadinessProbe:*Probe StartupProbe:*Probe Lifecycle:*Lifecycle TerminationMessagePath TerminationMessagePolicy ImagePullPolicy SecurityContext:*SecurityContext Stdin:bool StdinOnce:bool TTY=tty:bool | Name Image Command Args WorkingDir Ports Env Resources VolumeMounts LivenessProbe ReadinessProbe Lifecycle TerminationMessagePath ImagePullPolicy SecurityContext Stdin StdinOnce TTY EnvFrom TerminationMessagePolicy VolumeDevices StartupProbe ResizePolicy RestartPolicy",
  EphemeralVolumeSource: "VolumeClaimTemplate:*PersistentVolumeClaimTemplate",
  ExecAction: "Command:[]string",
  FCVolumeSource: "TargetWWNs:[]string Lun:*int32 FSType=fsType ReadOnly:bool WWIDs=wwids:[]string",
  FlexVolumeSource: "Driver FSType=fsType SecretRef:*LocalObjectReference ReadOnly:bool Options:map",
  FlockerVolumeSource: "DatasetName DatasetUUID",
  GCEPersistentDiskVolumeSource: "PDName=pdName FSType=fsType Partition:int32 ReadOnly:bool",
  GRPCAction: "Port:int32 Service:*string",
  GitRepoVolumeSource: "Repository Revision Directory",
  GlusterfsVolumeSource: "EndpointsName=endpoints Path ReadOnly:bool",
  HTTPGetAction: "Path Port:IntOrString Host Scheme HTTPHeaders=httpHeaders:[]HTTPHeader",
  HTTPHeader: "Name Value",
  HostAlias: "IP=ip Hostnames:[]string",
  HostPathVolumeSource: "Path Type:*string",
  ISCSIVolumeSource:
    "TargetPortal IQN=iqn Lun:int32 ISCSIInterface=iscsiInterface FSType=fsType ReadOnly:bool Portals:[]string DiscoveryCHAPAuth=chapAuthDiscovery:bool SessionCHAPAuth=chapAuthSession:bool SecretRef:*LocalObjectReference InitiatorName:*string | TargetPortal IQN Lun ISCSIInterface FSType ReadOnly Portals DiscoveryCHAPAuth SecretRef SessionCHAPAuth InitiatorName",
  KeyToPath: "Key Path Mode:*int32",
  LabelSelector: "MatchLabels:map MatchExpressions:[]LabelSelectorRequirement",
  LabelSelectorRequirement: "Key Operator Values:[]string",
  Lifecycle: "PostStart:*LifecycleHandler PreStop:*LifecycleHandler",
  LifecycleHandler:
    "Exec:*ExecAction HTTPGet=httpGet:*HTTPGetAction TCPSocket=tcpSocket:*TCPSocketAction Sleep:*SleepAction",
  LocalObjectReference: "Name",
  ManagedFieldsEntry: "Manager Operation APIVersion=apiVersion Time:*Time FieldsType FieldsV1:*FieldsV1 Subresource",
  NFSVolumeSource: "Server Path ReadOnly:bool",
  NodeAffinity:
    "RequiredDuringSchedulingIgnoredDuringExecution:*NodeSelector PreferredDuringSchedulingIgnoredDuringExecution:[]PreferredSchedulingTerm",
  NodeSelector: "NodeSelectorTerms:[]NodeSelectorTerm",
  NodeSelectorRequirement: "Key Operator Values:[]string",
  NodeSelectorTerm: "MatchExpressions:[]NodeSelectorRequirement MatchFields:[]NodeSelectorRequirement",
  ObjectFieldSelector: "APIVersion=apiVersion FieldPath",
  ObjectMeta:
    "Name GenerateName Namespace SelfLink UID=uid ResourceVersion Generation:int64 CreationTimestamp:Time DeletionTimestamp:*Time DeletionGracePeriodSeconds:*int64 Labels:map Annotations:map OwnerReferences:[]OwnerReference Finalizers:[]string ManagedFields:[]ManagedFieldsEntry",
  OwnerReference:
    "APIVersion=apiVersion Kind Name UID=uid Controller:*bool BlockOwnerDeletion:*bool | Kind Name UID APIVersion Controller BlockOwnerDeletion",
  PersistentVolumeClaimSpec:
    "AccessModes:[]string Selector:*LabelSelector Resources:VolumeResourceRequirements VolumeName StorageClassName:*string VolumeMode:*string DataSource:*TypedLocalObjectReference DataSourceRef:*TypedObjectReference VolumeAttributesClassName:*string | AccessModes Resources VolumeName Selector StorageClassName VolumeMode DataSource DataSourceRef VolumeAttributesClassName",
  PersistentVolumeClaimTemplate: ".ObjectMeta Spec:PersistentVolumeClaimSpec",
  PersistentVolumeClaimVolumeSource: "ClaimName ReadOnly:bool",
  PhotonPersistentDiskVolumeSource: "PdID FSType=fsType",
  PodAffinity:
    "RequiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm PreferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm",
  PodAffinityTerm:
    "LabelSelector:*LabelSelector Namespaces:[]string TopologyKey NamespaceSelector:*LabelSelector MatchLabelKeys:[]string MismatchLabelKeys:[]string",
  PodAntiAffinity:
    "RequiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm PreferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm",
  PodDNSConfig: "Nameservers:[]string Searches:[]string Options:[]PodDNSConfigOption",
  PodDNSConfigOption: "Name Value:*string",
  PodOS: "Name",
  PodReadinessGate: "ConditionType",
  PodResourceClaim: "Name Source:ClaimSource",
  PodSchedulingGate: "Name",
  PodSecurityContext:
    "SELinuxOptions=seLinuxOptions:*SELinuxOptions WindowsOptions:*WindowsSecurityContextOptions RunAsUser:*int64 RunAsGroup:*int64 RunAsNonRoot:*bool SupplementalGroups:[]int64 FSGroup=fsGroup:*int64 Sysctls:[]Sysctl FSGroupChangePolicy=fsGroupChangePolicy:*string SeccompProfile:*SeccompProfile | SELinuxOptions RunAsUser RunAsNonRoot SupplementalGroups FSGroup RunAsGroup Sysctls WindowsOptions FSGroupChangePolicy SeccompProfile",
  PodSpec:
    "Volumes:[]Volume InitContainers:[]Container Containers:[]Container EphemeralContainers:[]EphemeralContainer RestartPolicy TerminationGracePeriodSeconds:*int64 ActiveDeadlineSeconds:*int64 DNSPolicy=dnsPolicy NodeSelector:map ServiceAccountName DeprecatedServiceAccount=serviceAccount AutomountServiceAccountToken:*bool NodeName HostNetwork:bool HostPID:bool HostIPC:bool ShareProcessNamespace:*bool SecurityContext:*PodSecurityContext ImagePullSecrets:[]LocalObjectReference Hostname Subdomain Affinity:*Affinity SchedulerName Tolerations:[]Toleration HostAliases:[]HostAlias PriorityClassName Priority:*int32 DNSConfig=dnsConfig:*PodDNSConfig ReadinessGates:[]PodReadinessGate RuntimeClassName:*string EnableServiceLinks:*bool PreemptionPolicy:*string Overhead:ResourceList TopologySpreadConstraints:[]TopologySpreadConstraint SetHostnameAsFQDN:*bool OS=os:*PodOS HostUsers:*bool SchedulingGates:[]PodSchedulingGate ResourceClaims:[]PodResourceClaim | Volumes Containers RestartPolicy TerminationGracePeriodSeconds ActiveDeadlineSeconds DNSPolicy NodeSelector ServiceAccountName DeprecatedServiceAccount NodeName HostNetwork HostPID HostIPC SecurityContext ImagePullSecrets Hostname Subdomain Affinity SchedulerName InitContainers AutomountServiceAccountToken Tolerations HostAliases PriorityClassName Priority DNSConfig ShareProcessNamespace ReadinessGates RuntimeClassName EnableServiceLinks PreemptionPolicy Overhead TopologySpreadConstraints EphemeralContainers SetHostnameAsFQDN OS HostUsers SchedulingGates ResourceClaims",
  PortworxVolumeSource: "VolumeID FSType=fsType ReadOnly:bool",
  PreferredSchedulingTerm: "Weight:int32 Preference:NodeSelectorTerm",
  Probe:
    ".ProbeHandler InitialDelaySeconds:int32 TimeoutSeconds:int32 PeriodSeconds:int32 SuccessThreshold:int32 FailureThreshold:int32 TerminationGracePeriodSeconds:*int64",
  ProbeHandler:
    "Exec:*ExecAction HTTPGet=httpGet:*HTTPGetAction TCPSocket=tcpSocket:*TCPSocketAction GRPC=grpc:*GRPCAction",
  ProjectedVolumeSource: "Sources:[]VolumeProjection DefaultMode:*int32",
  QuobyteVolumeSource: "Registry Volume ReadOnly:bool User Group Tenant",
  RBDVolumeSource:
    "CephMonitors=monitors:[]string RBDImage=image FSType=fsType RBDPool=pool RadosUser=user Keyring SecretRef:*LocalObjectReference ReadOnly:bool",
  ResourceClaim: "Name",
  ResourceFieldSelector: "ContainerName Resource Divisor:Quantity",
  ResourceRequirements: "Limits:ResourceList Requests:ResourceList Claims:[]ResourceClaim",
  SELinuxOptions: "User Role Type Level",
  ScaleIOVolumeSource:
    "Gateway System SecretRef:*LocalObjectReference SSLEnabled=sslEnabled:bool ProtectionDomain StoragePool StorageMode VolumeName FSType=fsType ReadOnly:bool",
  SeccompProfile: "Type LocalhostProfile:*string",
  SecretEnvSource: ".LocalObjectReference Optional:*bool",
  SecretKeySelector: ".LocalObjectReference Key Optional:*bool",
  SecretProjection: ".LocalObjectReference Items:[]KeyToPath Optional:*bool",
  SecretVolumeSource: "SecretName Items:[]KeyToPath DefaultMode:*int32 Optional:*bool",
  SecurityContext:
    "Capabilities:*Capabilities Privileged:*bool SELinuxOptions=seLinuxOptions:*SELinuxOptions WindowsOptions:*WindowsSecurityContextOptions RunAsUser:*int64 RunAsGroup:*int64 RunAsNonRoot:*bool ReadOnlyRootFilesystem:*bool AllowPrivilegeEscalation:*bool ProcMount:*string SeccompProfile:*SeccompProfile | Capabilities Privileged SELinuxOptions RunAsUser RunAsNonRoot ReadOnlyRootFilesystem AllowPrivilegeEscalation RunAsGroup ProcMount WindowsOptions SeccompProfile",
  ServiceAccountTokenProjection: "Audience ExpirationSeconds:*int64 Path",
  SleepAction: "Seconds:int64",
  StorageOSVolumeSource: "VolumeName VolumeNamespace FSType=fsType ReadOnly:bool SecretRef:*LocalObjectReference",
  Sysctl: "Name Value",
  TCPSocketAction: "Port:IntOrString Host",
  Toleration: "Key Operator Value Effect TolerationSeconds:*int64",
  TopologySpreadConstraint:
    "MaxSkew:int32 TopologyKey WhenUnsatisfiable LabelSelector:*LabelSelector MinDomains:*int32 NodeAffinityPolicy:*string NodeTaintsPolicy:*string MatchLabelKeys:[]string",
  TypedLocalObjectReference: "APIGroup=apiGroup:*string Kind Name",
  TypedObjectReference: "APIGroup=apiGroup:*string Kind Name Namespace:*string",
  Volume: "Name .VolumeSource",
  VolumeDevice: "Name DevicePath",
  VolumeMount: "Name ReadOnly:bool MountPath SubPath MountPropagation:*string SubPathExpr",
  VolumeProjection:
    "Secret:*SecretProjection DownwardAPI:*DownwardAPIProjection ConfigMap:*ConfigMapProjection ServiceAccountToken:*ServiceAccountTokenProjection ClusterTrustBundle:*ClusterTrustBundleProjection",
  VolumeResourceRequirements: "Limits:ResourceList Requests:ResourceList",
  VolumeSource:
    "HostPath:*HostPathVolumeSource EmptyDir:*EmptyDirVolumeSource GCEPersistentDisk=gcePersistentDisk:*GCEPersistentDiskVolumeSource AWSElasticBlockStore=awsElasticBlockStore:*AWSElasticBlockStoreVolumeSource GitRepo:*GitRepoVolumeSource Secret:*SecretVolumeSource NFS=nfs:*NFSVolumeSource ISCSI=iscsi:*ISCSIVolumeSource Glusterfs:*GlusterfsVolumeSource PersistentVolumeClaim:*PersistentVolumeClaimVolumeSource RBD=rbd:*RBDVolumeSource FlexVolume:*FlexVolumeSource Cinder:*CinderVolumeSource CephFS=cephfs:*CephFSVolumeSource Flocker:*FlockerVolumeSource DownwardAPI:*DownwardAPIVolumeSource FC=fc:*FCVolumeSource AzureFile:*AzureFileVolumeSource ConfigMap:*ConfigMapVolumeSource VsphereVolume:*VsphereVirtualDiskVolumeSource Quobyte:*QuobyteVolumeSource AzureDisk:*AzureDiskVolumeSource PhotonPersistentDisk:*PhotonPersistentDiskVolumeSource Projected:*ProjectedVolumeSource PortworxVolume:*PortworxVolumeSource ScaleIO:*ScaleIOVolumeSource StorageOS=storageos:*StorageOSVolumeSource CSI=csi:*CSIVolumeSource Ephemeral:*EphemeralVolumeSource | HostPath EmptyDir GCEPersistentDisk AWSElasticBlockStore GitRepo Secret NFS ISCSI Glusterfs PersistentVolumeClaim RBD FlexVolume Cinder CephFS Flocker DownwardAPI FC AzureFile ConfigMap VsphereVolume Quobyte AzureDisk PhotonPersistentDisk PortworxVolume ScaleIO Projected StorageOS CSI Ephemeral",
  VsphereVirtualDiskVolumeSource: "VolumePath FSType=fsType StoragePolicyName StoragePolicyID",
  WeightedPodAffinityTerm: "Weight:int32 PodAffinityTerm:PodAffinityTerm",
  WindowsSecurityContextOptions:
    "GMSACredentialSpecName=gmsaCredentialSpecName:*string GMSACredentialSpec=gmsaCredentialSpec:*string RunAsUserName:*string HostProcess:*bool",
} as const;

export type GoStruct = keyof typeof declarations;

/** Such as `string`, `*int32`, `[]string`, `*Probe`, `[]Container`, `map`, `ResourceList`. */
export type GoType = string;

export interface GoField {
  readonly name: string;
  /** The field's name in JSON; undefined for an embedded type. */
  readonly json: string | undefined;
  readonly type: GoType;
}

export interface GoStructInfo {
  readonly fields: readonly GoField[];
  /** The fields as the type's own String method has them. */
  readonly printed: readonly GoField[];
}

const parsed = new Map<string, GoStructInfo>();

/** The fields of a Go struct; undefined where the name is none. */
export function structOf(type: GoType): GoStructInfo | undefined {
  if (!Object.hasOwn(declarations, type)) return undefined;
  let info = parsed.get(type);
  if (!info) {
    info = parseDeclaration(declarations[type as GoStruct]);
    parsed.set(type, info);
  }
  return info;
}

function parseDeclaration(declaration: string): GoStructInfo {
  const [own, printedNames] = declaration.split(" | ") as [string, string | undefined];
  const fields = own.split(" ").map(parseField);
  const byName = new Map(fields.map((field) => [field.name, field]));
  return { fields, printed: printedNames?.split(" ").map((name) => byName.get(name)!) ?? fields };
}

function parseField(text: string): GoField {
  if (text.startsWith(".")) return { name: text.slice(1), json: undefined, type: text.slice(1) };
  const [names, type = "string"] = text.split(":") as [string, string | undefined];
  const [name, json = name[0]!.toLowerCase() + name.slice(1)] = names.split("=") as [string, string | undefined];
  return { name, json, type };
}
