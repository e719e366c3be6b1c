import { objectMetaSchema } from "../meta.ts";
import {
  atomic,
  atomicList,
  bool,
  described,
  type FromSchema,
  int32,
  int64,
  list,
  maybeEmpty,
  mergedBy,
  object,
  string,
  stringMap,
  strings,
  words,
} from "../schema.ts";
import {
  containerSchema,
  ephemeralContainerSchema,
  resourceListSchema,
  seccompProfileSchema,
  seLinuxOptionsSchema,
  windowsOptionsSchema,
} from "./container.ts";
import { localObjectReferenceSchema } from "./references.ts";
import { affinitySchema, tolerationSchema, topologySpreadConstraintSchema } from "./scheduling.ts";
import { volumeSchema } from "./volume.ts";

const podSecurityContextSchema = object("What all containers of the pod may do, unless they tell otherwise.", {
  seLinuxOptions: seLinuxOptionsSchema,
  windowsOptions: windowsOptionsSchema,
  runAsUser: int64("The user id to run as; the image's unless told."),
  runAsGroup: int64("The group id to run as."),
  runAsNonRoot: bool("Whether to refuse to start as root."),
  supplementalGroups: list("More groups of every process.", { type: "integer", format: "int64" }, atomicList),
  fsGroup: int64("The group that owns the volumes' files."),
  sysctls: list(
    "Kernel parameters of the pod.",
    object(
      "One parameter.",
      { name: string("Its name."), value: string("Its value.") },
      { required: ["name", "value"] },
    ),
    atomicList,
  ),
  fsGroupChangePolicy: string("When the owner of the files is changed: Always or OnRootMismatch.", maybeEmpty),
  seccompProfile: seccompProfileSchema,
});

const podDNSConfigSchema = object("What is added to the resolver's configuration.", {
  nameservers: strings("Addresses of name servers.", atomicList),
  searches: strings("Search domains.", atomicList),
  options: list(
    "Options.",
    object("One option.", { name: string("Its name."), value: string("Its value.") }),
    atomicList,
  ),
});

export const podSpecSchema = object(
  "What runs in a pod, and how.",
  {
    volumes: list("Files that the containers can mount.", volumeSchema, {
      ...mergedBy("name"),
      "x-kubernetes-patch-strategy": "merge,retainKeys",
    }),
    initContainers: list(
      "Containers that run to their end, one after another, before the others start.",
      containerSchema,
      mergedBy("name"),
    ),
    containers: list("The containers that run side by side.", containerSchema, { ...mergedBy("name"), ...maybeEmpty }),
    ephemeralContainers: list(
      "Containers added to look into the running pod.",
      ephemeralContainerSchema,
      mergedBy("name"),
    ),
    restartPolicy: words("When containers are started again: Always, OnFailure or Never.", [
      "Always",
      "OnFailure",
      "Never",
    ]),
    terminationGracePeriodSeconds: int64("Seconds from the request to stop (SIGTERM) to the kill; 30 unless told."),
    activeDeadlineSeconds: int64("Seconds after which the pod has failed."),
    dnsPolicy: words("Where names are resolved.", ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"]),
    nodeSelector: { ...stringMap("Labels that the node must have."), ...atomic },
    serviceAccountName: string("The service account that the pod acts as; default unless told."),
    serviceAccount: string("The old name of serviceAccountName."),
    automountServiceAccountToken: bool("Whether a token of the service account is mounted."),
    nodeName: string("The node that runs the pod; set by the scheduler."),
    hostNetwork: bool("Whether the pod uses the node's network.", "dropped"),
    hostPID: bool("Whether the pod sees the node's processes.", "dropped"),
    hostIPC: bool("Whether the pod uses the node's shared memory.", "dropped"),
    shareProcessNamespace: bool("Whether the containers see each other's processes."),
    securityContext: podSecurityContextSchema,
    imagePullSecrets: list(
      "Secrets with credentials for the images' registries.",
      localObjectReferenceSchema,
      mergedBy("name"),
    ),
    hostname: string("The pod's host name; its name unless told."),
    subdomain: string("The domain under which the host name is resolved in the cluster."),
    affinity: affinitySchema,
    schedulerName: string("The scheduler that places the pod."),
    tolerations: list("Taints that do not keep the pod off a node.", tolerationSchema, atomicList),
    hostAliases: list(
      "Lines of the pod's hosts file.",
      object("One line.", { ip: string("The address."), hostnames: strings("Its names.", atomicList) }),
      mergedBy("ip"),
    ),
    priorityClassName: string("How important the pod is: the name of a PriorityClass."),
    priority: int32("The value of the PriorityClass."),
    dnsConfig: podDNSConfigSchema,
    readinessGates: list(
      "More conditions that must be True before the pod is ready.",
      object("One condition.", { conditionType: string("Its type.") }, { required: ["conditionType"] }),
      atomicList,
    ),
    runtimeClassName: string("The RuntimeClass that runs the pod.", maybeEmpty),
    enableServiceLinks: bool("Whether every Service of the namespace becomes variables of the containers."),
    preemptionPolicy: string("Whether less important pods make room: PreemptLowerPriority or Never.", maybeEmpty),
    overhead: described("What the RuntimeClass itself uses.", resourceListSchema),
    topologySpreadConstraints: list(
      "How pods are spread over places.",
      topologySpreadConstraintSchema,
      mergedBy("topologyKey", "topologyKey", "whenUnsatisfiable"),
    ),
    setHostnameAsFQDN: bool("Whether the host name is the fully qualified one."),
    os: object(
      "The operating system of the containers.",
      { name: string("linux or windows.") },
      { required: ["name"] },
    ),
    hostUsers: bool("Whether the pod uses the node's user ids."),
    schedulingGates: list(
      "Placing the pod waits until this list is empty.",
      object("One gate.", { name: string("Its name.") }, { required: ["name"] }),
      mergedBy("name"),
    ),
    resourceClaims: list(
      "Claims that must be met before the pod starts.",
      object(
        "One claim.",
        {
          name: string("Its name in the pod."),
          source: object("Where it is described.", {
            resourceClaimName: string("A ResourceClaim.", maybeEmpty),
            resourceClaimTemplateName: string("A ResourceClaimTemplate.", maybeEmpty),
          }),
        },
        { required: ["name"] },
      ),
      { ...mergedBy("name"), "x-kubernetes-patch-strategy": "merge,retainKeys" },
    ),
  },
  { required: ["containers"] },
);

export const podTemplateSpecSchema = object("What every pod is made from.", {
  metadata: described("Labels and annotations of the pods.", objectMetaSchema),
  spec: podSpecSchema,
});

export type PodSpec = FromSchema<typeof podSpecSchema>;
export type PodSecurityContext = FromSchema<typeof podSecurityContextSchema>;
export type PodTemplateSpec = FromSchema<typeof podTemplateSpecSchema>;
export type {
  Container,
  ContainerPort,
  EnvFromSource,
  EnvVar,
  ResourceRequirements,
  SecurityContext,
  VolumeMount,
} from "./container.ts";
export type { Probe } from "./probe.ts";
export type { Volume } from "./volume.ts";
