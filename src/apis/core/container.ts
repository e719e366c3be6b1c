import {
  atomic,
  atomicList,
  bool,
  described,
  type FromSchema,
  int32,
  int64,
  list,
  mapOf,
  maybeEmpty,
  mergedBy,
  object,
  plain,
  quantity,
  string,
  strings,
  words,
} from "../schema.ts";
import { lifecycleSchema, probeSchema } from "./probe.ts";
import { configMapKeySelectorSchema, secretKeySelectorSchema } from "./references.ts";

export const containerPortSchema = object(
  "A port on which the container listens.",
  {
    name: string("The port's name. For Knative it tells the protocol: http1 (unless told) or h2c."),
    hostPort: int32("A port of the node that leads to this one.", "dropped"),
    containerPort: int32("The port's number.", "shown"),
    protocol: string("TCP (unless told), UDP or SCTP.", {
      "x-words": ["TCP", "UDP", "SCTP"],
      default: "TCP",
    }),
    hostIP: string("The node's address that hostPort is bound to."),
  },
  { required: ["containerPort"] },
);

export const fieldSelectorSchema = object(
  "A field of the pod, such as metadata.name or status.podIP.",
  {
    apiVersion: string("The version that fieldPath speaks of; v1 unless told."),
    fieldPath: string("The path of the field."),
  },
  { required: ["fieldPath"], ...atomic },
);

export const resourceFieldSelectorSchema = object(
  "A request or limit of a container, such as limits.cpu.",
  {
    containerName: string("The container; in environment variables this one unless told."),
    resource: string("The path of the resource."),
    divisor: quantity("The unit in which the amount is given; 1 unless told.", "shown"),
  },
  { required: ["resource"], ...atomic },
);

export const envVarSchema = object(
  "An environment variable.",
  {
    name: string("The variable's name."),
    value: string("Its value. $(NAME) stands for a variable set before; $$ for a dollar sign."),
    valueFrom: object("Where the value comes from, in place of value.", {
      fieldRef: fieldSelectorSchema,
      resourceFieldRef: resourceFieldSelectorSchema,
      configMapKeyRef: configMapKeySelectorSchema,
      secretKeyRef: secretKeySelectorSchema,
    }),
  },
  { required: ["name"] },
);

const envSourceFields = { name: string("The object's name."), optional: bool("Whether the object may be missing.") };

const envFromSourceSchema = object("Makes a variable of every key of a ConfigMap or Secret.", {
  prefix: string("Put before every key."),
  configMapRef: object("The ConfigMap.", envSourceFields, atomic),
  secretRef: object("The Secret.", envSourceFields, atomic),
});

export const resourceListSchema = mapOf(
  "Amounts by resource: cpu, memory, ephemeral-storage, ...",
  quantity("An amount, such as 500m or 2Gi."),
);

export const resourceRequirementsSchema = object(
  "What a container needs of the machine, and what it may use at most.",
  {
    limits: described("The most that the container may use.", resourceListSchema),
    requests: described("What is reserved for the container; the limits unless told.", resourceListSchema),
    claims: list(
      "Claims of the pod (resourceClaims) that this container uses.",
      object("One claim.", { name: string("The claim's name in the pod.") }, { required: ["name"] }),
      { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] },
    ),
  },
);

export const volumeMountSchema = object(
  "Where a volume of the pod appears in the container.",
  {
    name: string("The volume's name."),
    readOnly: bool("Whether the container may only read.", "dropped"),
    mountPath: string("The path in the container."),
    subPath: string("The path in the volume; its root unless told."),
    mountPropagation: string("Whether mounts made later show up on the other side.", maybeEmpty),
    subPathExpr: string("As subPath, with $(NAME) replaced by environment variables."),
  },
  { required: ["name", "mountPath"] },
);

export const seLinuxOptionsSchema = object("The SELinux label.", {
  user: string("The label's user."),
  role: string("The label's role."),
  type: string("The label's type."),
  level: string("The label's level."),
});

export const windowsOptionsSchema = object("What applies on Windows only.", {
  gmsaCredentialSpecName: string("The name of the GMSA credential spec.", maybeEmpty),
  gmsaCredentialSpec: string("The GMSA credential spec itself.", maybeEmpty),
  runAsUserName: string("The user to run as.", maybeEmpty),
  hostProcess: bool("Whether this runs as a process of the host."),
});

export const seccompProfileSchema = object(
  "Which system calls are allowed.",
  {
    type: string("RuntimeDefault, Localhost or Unconfined."),
    localhostProfile: string("The file of the profile on the node; for Localhost.", maybeEmpty),
  },
  { required: ["type"] },
);

export const securityContextSchema = object("What the container's processes may do. Wins over the pod's.", {
  capabilities: object("POSIX capabilities.", {
    add: strings("Those that are added.", atomicList),
    drop: strings("Those that are taken away; ALL takes all.", atomicList),
  }),
  privileged: bool("Whether the container is as mighty as root on the node."),
  seLinuxOptions: seLinuxOptionsSchema,
  windowsOptions: windowsOptionsSchema,
  runAsUser: int64("The user id to run as; the image's unless told."),
  runAsGroup: int64("The group id to run as."),
  runAsNonRoot: bool("Whether to refuse to start as root."),
  readOnlyRootFilesystem: bool("Whether the container's own file system is read-only."),
  allowPrivilegeEscalation: bool("Whether a process may gain more rights than its parent has."),
  procMount: string("How /proc is mounted.", maybeEmpty),
  seccompProfile: seccompProfileSchema,
});

const containerFields = {
  name: string("The container's name, unique in the pod; user-container unless told, where Knative runs it."),
  image: string("The image to run, such as ghcr.io/me/app:1.0; Knative pins it to its digest."),
  command: strings(
    "The program to run; the image's entry point unless told. $(NAME) stands for a variable.",
    atomicList,
  ),
  args: strings("Its arguments; the image's unless told. $(NAME) stands for a variable.", atomicList),
  workingDir: string("The directory to run in; the image's unless told."),
  ports: list(
    "The ports on which the container listens.",
    containerPortSchema,
    mergedBy("containerPort", "containerPort", "protocol"),
  ),
  envFrom: list(
    "ConfigMaps and Secrets whose keys become variables; later ones win, env wins over all.",
    envFromSourceSchema,
  ),
  env: list("Environment variables.", envVarSchema, mergedBy("name")),
  resources: { ...resourceRequirementsSchema, ...plain },
  resizePolicy: list(
    "What a change of resources while running means.",
    object(
      "One resource.",
      { resourceName: string("cpu or memory."), restartPolicy: string("NotRequired or RestartContainer.", maybeEmpty) },
      { required: ["resourceName", "restartPolicy"] },
    ),
    atomicList,
  ),
  restartPolicy: string("Always makes an init container a sidecar.", maybeEmpty),
  volumeMounts: list("Where the pod's volumes appear.", volumeMountSchema, mergedBy("mountPath")),
  volumeDevices: list(
    "Volumes that appear as block devices.",
    object(
      "One device.",
      { name: string("The name of the claim's volume."), devicePath: string("The device's path in the container.") },
      { required: ["name", "devicePath"] },
    ),
    mergedBy("devicePath"),
  ),
  livenessProbe: described("Restarts the container when it fails.", probeSchema),
  readinessProbe: described("Tells when the container may get requests.", probeSchema),
  startupProbe: described("Holds the other probes back until it succeeds once.", probeSchema),
  lifecycle: lifecycleSchema,
  terminationMessagePath: string(
    "The file whose content is shown when the container ends; /dev/termination-log unless told.",
  ),
  terminationMessagePolicy: words("File, or FallbackToLogsOnError: the end of the log when the file is empty.", [
    "File",
    "FallbackToLogsOnError",
  ]),
  imagePullPolicy: words("When the image is pulled: Always, IfNotPresent or Never.", [
    "Always",
    "IfNotPresent",
    "Never",
  ]),
  securityContext: securityContextSchema,
  stdin: bool("Whether the container has a standard input that can be attached to.", "dropped"),
  stdinOnce: bool("Whether standard input closes after the first attachment.", "dropped"),
  tty: bool("Whether the container has a terminal; needs stdin.", "dropped"),
} as const;

export const containerSchema = object("A program that runs in the pod.", containerFields, { required: ["name"] });

export const ephemeralContainerSchema = object(
  "A container added to a running pod to look into it.",
  { ...containerFields, targetContainerName: string("The container whose processes it sees.") },
  { required: ["name"] },
);

export type Container = FromSchema<typeof containerSchema>;
export type ContainerPort = FromSchema<typeof containerPortSchema>;
export type EnvVar = FromSchema<typeof envVarSchema>;
export type EnvFromSource = FromSchema<typeof envFromSourceSchema>;
export type ResourceRequirements = FromSchema<typeof resourceRequirementsSchema>;
export type SecurityContext = FromSchema<typeof securityContextSchema>;
export type VolumeMount = FromSchema<typeof volumeMountSchema>;
