import {
  containerPortSchema,
  containerSchema,
  envVarSchema,
  securityContextSchema,
  volumeMountSchema,
} from "../core/container.ts";
import { podSpecSchema } from "../core/pod-spec.ts";
import { probeSchema } from "../core/probe.ts";
import { volumeProjectionSchema, volumeSchema } from "../core/volume.ts";
import { objectMetaSchema } from "../meta.ts";
import {
  anyObject,
  atomic,
  bool,
  int64,
  list,
  object,
  plain,
  type Schema,
  string,
  stringMap,
  strings,
} from "../schema.ts";

/**
 * What a revision runs: a pod spec and Knative's own fields. The CRD publishes only the part of the pod spec that
 * Knative takes; fields behind a feature flag are let through as they are and judged by admission.
 * Source of what is published: knative.dev/serving config/core/300-resources, v0.42.2.
 */
const knativeFields = {
  containerConcurrency: int64(
    "The most requests that one pod handles at once; more wait in its queue. 0 means no limit. From config-defaults unless told.",
  ),
  timeoutSeconds: int64(
    "Seconds that a request may take until the response has begun and ended. From config-defaults unless told.",
  ),
  responseStartTimeoutSeconds: int64("Seconds that a request may take until the response begins."),
  idleTimeoutSeconds: int64("Seconds that a request may go without a byte in either direction."),
} as const;

const specDescription =
  "What a revision runs: containers, as in a pod, and how many requests they take for how long. It cannot be changed once the revision exists.";

/** A field that needs a feature flag: shown, but not described further. */
const gated = (flag: string) => anyObject(`Needs the feature flag ${flag} (ConfigMap config-features).`);
const gatedString = (flag: string) =>
  ({ ...string(gated(flag).description), "x-kubernetes-preserve-unknown-fields": true }) as const;
const gatedList = (flag: string) => list(gated(flag).description, gated(flag));

/** The named fields of an object's schema, some of them replaced. */
function only(
  schema: Schema,
  names: readonly string[],
  replaced: { readonly [name: string]: Schema } = {},
  required?: readonly string[],
): Schema {
  const properties: Record<string, Schema> = {};
  for (const name of [...names, ...Object.keys(replaced)]) {
    const property = replaced[name] ?? schema.properties?.[name];
    if (property) properties[name] = property;
  }
  const { required: all, ...rest } = schema;
  const kept = required ?? all?.filter((name) => name in properties) ?? [];
  return { ...rest, properties, ...(kept.length > 0 && { required: kept }) };
}

const itemsOf = (schema: Schema, items: Schema): Schema => ({ ...schema, items });

const { properties: containerFields } = containerSchema;
const { properties: podFields } = podSpecSchema;
const { properties: volumeFields } = volumeSchema;

// Knative fills the port of a probe in, so the CRD does not require it.
const publishedProbe = only(
  probeSchema,
  ["exec", "grpc", "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"],
  {
    httpGet: only(probeSchema.properties.httpGet, Object.keys(probeSchema.properties.httpGet.properties), {}, []),
    tcpSocket: only(probeSchema.properties.tcpSocket, Object.keys(probeSchema.properties.tcpSocket.properties), {}, []),
  },
);

const publishedEnvVar = only(envVarSchema, ["name", "value"], {
  valueFrom: only(envVarSchema.properties.valueFrom, ["configMapKeyRef", "secretKeyRef"], {
    fieldRef: { ...gated("kubernetes.podspec-fieldref"), ...atomic },
    resourceFieldRef: { ...gated("kubernetes.podspec-fieldref"), ...atomic },
  }),
});

const publishedSecurityContext = only(
  securityContextSchema,
  ["readOnlyRootFilesystem", "runAsUser", "runAsGroup", "runAsNonRoot", "allowPrivilegeEscalation", "seccompProfile"],
  {
    capabilities: only(securityContextSchema.properties.capabilities, ["drop"], {
      add: strings("Those that are added. Needs the feature flag kubernetes.containerspec-addcapabilities."),
    }),
  },
);

const publishedContainer = only(
  containerSchema,
  [
    "name",
    "args",
    "command",
    "workingDir",
    "envFrom",
    "image",
    "imagePullPolicy",
    "resources",
    "terminationMessagePath",
    "terminationMessagePolicy",
  ],
  {
    env: itemsOf(containerFields.env, publishedEnvVar),
    ports: {
      ...list(containerFields.ports.description, only(containerPortSchema, ["name", "containerPort", "protocol"])),
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["containerPort", "protocol"],
    },
    livenessProbe: { ...publishedProbe, description: containerFields.livenessProbe.description },
    readinessProbe: {
      ...publishedProbe,
      description:
        "Tells when the container may get requests: when its port takes connections, unless told. Without periodSeconds, Knative probes often while the container starts.",
    },
    startupProbe: { ...publishedProbe, description: containerFields.startupProbe.description },
    securityContext: publishedSecurityContext,
    volumeMounts: itemsOf(
      containerFields.volumeMounts,
      only(volumeMountSchema, ["name", "readOnly", "mountPath", "subPath"]),
    ),
  },
  [],
);

const publishedVolume = only(volumeSchema, ["name", "secret", "configMap"], {
  projected: only(volumeFields.projected, ["defaultMode"], {
    sources: list(
      volumeFields.projected.properties.sources.description,
      only(volumeProjectionSchema, ["secret", "configMap", "serviceAccountToken", "downwardAPI"]),
    ),
  }),
  emptyDir: gated("kubernetes.podspec-volumes-emptydir"),
  persistentVolumeClaim: gated("kubernetes.podspec-persistent-volume-claim"),
});

const publishedRevisionSpec = only(
  object(specDescription, { ...podFields, ...knativeFields }, { required: podSpecSchema.required }),
  [
    "serviceAccountName",
    "imagePullSecrets",
    "enableServiceLinks",
    "automountServiceAccountToken",
    ...Object.keys(knativeFields),
  ],
  {
    containers: itemsOf(podFields.containers, publishedContainer),
    volumes: itemsOf(podFields.volumes, publishedVolume),
    affinity: gated("kubernetes.podspec-affinity"),
    dnsConfig: gated("kubernetes.podspec-dnsconfig"),
    dnsPolicy: string(gated("kubernetes.podspec-dnspolicy").description),
    hostAliases: gatedList("kubernetes.podspec-hostaliases"),
    initContainers: gatedList("kubernetes.podspec-init-containers"),
    nodeSelector: { ...gated("kubernetes.podspec-nodeselector"), ...atomic },
    priorityClassName: gatedString("kubernetes.podspec-priorityclassname"),
    runtimeClassName: gatedString("kubernetes.podspec-runtimeclassname"),
    schedulerName: gatedString("kubernetes.podspec-schedulername"),
    securityContext: gated("kubernetes.podspec-securitycontext"),
    shareProcessNamespace: {
      ...bool(gated("kubernetes.podspec-shareprocessnamespace").description),
      "x-kubernetes-preserve-unknown-fields": true,
    },
    tolerations: gatedList("kubernetes.podspec-tolerations"),
    topologySpreadConstraints: gatedList("kubernetes.podspec-topologyspreadconstraints"),
  },
);

/** The spec of a revision: a pod spec with Knative's own fields beside it. */
export const revisionSpecSchema = object(
  specDescription,
  { ...podFields, ...knativeFields },
  { required: podSpecSchema.required, ...plain, "x-published": publishedRevisionSpec },
);

/** What a Service or Configuration makes its revisions from. */
export const revisionTemplateSchema = object(
  "What revisions are made from: every change makes a new one.",
  {
    metadata: {
      ...objectMetaSchema,
      ...plain,
      description:
        "Labels and annotations of the revisions; a name, where given, must change with every change of the template.",
      "x-published": {
        ...object(
          "Labels and annotations of the revisions; a name, where given, must change with every change of the template.",
          {
            annotations: stringMap("Names and values, such as autoscaling.knative.dev/min-scale."),
            finalizers: strings("Who still has to act before a deleted revision goes away."),
            labels: stringMap("Names and values by which revisions are selected."),
            name: string("The name of the next revision; it starts with the name of the Service and a dash."),
            namespace: string("The namespace."),
          },
        ),
        "x-kubernetes-preserve-unknown-fields": true,
      },
    },
    spec: revisionSpecSchema,
  },
  { "x-present": ["spec"], ...plain },
);
