import type { Deployment } from "../../apis/core/deployment.ts";
import type { Container, Probe, Volume } from "../../apis/core/pod-spec.ts";
import { parseQuantity, QuantityError } from "../../lib/quantity.ts";

/**
 * The Deployment to write, where the one that exists is not what is wanted; undefined where it is. The number of pods
 * and the selector stay, and so do annotations that others put on the pod template (`kubectl rollout restart`): those
 * that are on the template only, for ours are on the Deployment too.
 */
export function driftOf(existing: Deployment, wanted: Deployment): Deployment | undefined {
  const { template } = existing.spec;
  const own = existing.metadata.annotations ?? {};
  const foreign = Object.entries(template.metadata?.annotations ?? {}).filter(([key]) => !(key in own));
  const spec: Deployment["spec"] = {
    ...wanted.spec,
    selector: existing.spec.selector,
    template: {
      ...wanted.spec.template,
      metadata: {
        ...wanted.spec.template.metadata,
        annotations: { ...Object.fromEntries(foreign), ...wanted.spec.template.metadata?.annotations },
      },
    },
    ...(existing.spec.replicas !== undefined && { replicas: existing.spec.replicas }),
  };
  if (isSameSpec(existing.spec, spec)) return undefined;
  const labels = { ...existing.metadata.labels, ...wanted.metadata.labels };
  return { ...existing, metadata: { ...existing.metadata, labels }, spec };
}

/**
 * Whether two specs mean the same once the API server has filled in its defaults. Comparing without them would find a
 * difference at every look, and cost a request each time.
 */
export function isSameSpec(a: Deployment["spec"], b: Deployment["spec"]): boolean {
  return JSON.stringify(normal(withDefaults(a))) === JSON.stringify(normal(withDefaults(b)));
}

/** Source of the defaults: Kubernetes 1.29 pkg/apis/{core,apps}/v1 defaults.go. */
function withDefaults(spec: Deployment["spec"]): unknown {
  const pod = spec.template.spec;
  const { serviceAccount: _, ...rest } = pod ?? { containers: [] };
  return {
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    ...spec,
    strategy: {
      type: "RollingUpdate",
      ...spec.strategy,
      rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%", ...spec.strategy?.rollingUpdate },
    },
    template: {
      metadata: { labels: spec.template.metadata?.labels, annotations: spec.template.metadata?.annotations },
      spec: {
        restartPolicy: "Always",
        dnsPolicy: "ClusterFirst",
        schedulerName: "default-scheduler",
        terminationGracePeriodSeconds: 30,
        enableServiceLinks: true,
        ...rest,
        containers: rest.containers.map(containerWithDefaults),
        initContainers: rest.initContainers?.map(containerWithDefaults),
        volumes: rest.volumes?.map(volumeWithDefaults),
      },
    },
  };
}

function containerWithDefaults(container: Container): unknown {
  const image = container.image ?? "";
  const latest = !image.includes("@") && !/:[^/]+$/.test(image.replace(/:latest$/, ""));
  return {
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: latest ? "Always" : "IfNotPresent",
    ...container,
    ports: container.ports?.map((port) => ({ protocol: "TCP", ...port })),
    env: container.env?.map(({ valueFrom, ...env }) => ({
      ...env,
      valueFrom: valueFrom?.fieldRef
        ? { ...valueFrom, fieldRef: { apiVersion: "v1", ...valueFrom.fieldRef } }
        : valueFrom,
    })),
    resources: {
      ...container.resources,
      requests: amounts(container.resources?.requests),
      limits: amounts(container.resources?.limits),
    },
    livenessProbe: probeWithDefaults(container.livenessProbe),
    readinessProbe: probeWithDefaults(container.readinessProbe),
    startupProbe: probeWithDefaults(container.startupProbe),
    lifecycle: {
      postStart: actionWithDefaults(container.lifecycle?.postStart),
      preStop: actionWithDefaults(container.lifecycle?.preStop),
    },
  };
}

function probeWithDefaults(probe: Probe | undefined): unknown {
  if (!probe) return undefined;
  return {
    ...actionWithDefaults(probe),
    timeoutSeconds: probe.timeoutSeconds || 1,
    periodSeconds: probe.periodSeconds || 10,
    successThreshold: probe.successThreshold || 1,
    failureThreshold: probe.failureThreshold || 3,
  };
}

function actionWithDefaults<A extends { httpGet?: Probe["httpGet"] }>(action: A | undefined): object | undefined {
  if (!action?.httpGet) return action;
  const { httpGet } = action;
  return { ...action, httpGet: { ...httpGet, path: httpGet.path || "/", scheme: httpGet.scheme || "HTTP" } };
}

function volumeWithDefaults(volume: Volume): unknown {
  const defaultMode = 0o644;
  const { secret, configMap, projected, downwardAPI, emptyDir } = volume;
  return {
    ...volume,
    ...(secret && { secret: { defaultMode, ...secret } }),
    ...(configMap && { configMap: { defaultMode, ...configMap } }),
    ...(downwardAPI && { downwardAPI: { defaultMode, ...downwardAPI, items: downwardAPI.items?.map(fieldItem) } }),
    ...(projected && {
      projected: {
        defaultMode,
        ...projected,
        sources: projected.sources?.map((source) => ({
          ...source,
          ...(source.serviceAccountToken && {
            serviceAccountToken: { expirationSeconds: 3600, ...source.serviceAccountToken },
          }),
          ...(source.downwardAPI && { downwardAPI: { items: source.downwardAPI.items?.map(fieldItem) } }),
        })),
      },
    }),
    // An emptyDir without settings is an empty map, which must not look like no volume at all.
    ...(emptyDir && { emptyDir: { ...emptyDir, sizeLimit: amount(emptyDir.sizeLimit), isEmptyDir: "yes" } }),
  };
}

function fieldItem<I extends { fieldRef?: object }>(item: I): I {
  return item.fieldRef ? { ...item, fieldRef: { apiVersion: "v1", ...item.fieldRef } } : item;
}

function amounts(list: Readonly<Record<string, string | number>> | undefined): unknown {
  return list && Object.fromEntries(Object.entries(list).map(([name, value]) => [name, amount(value)]));
}

function amount(value: string | number | undefined): string | undefined {
  if (value === undefined) return undefined;
  try {
    return String(parseQuantity(String(value)).nano);
  } catch (error) {
    if (error instanceof QuantityError) return String(value);
    throw error;
  }
}

/** Sorted fields, without those that hold nothing or a zero value, which the API server leaves out. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .map(([key, part]) => [key, normal(part)] as const)
    .filter(([, part]) => !isZero(part))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries);
}

function isZero(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === null || value === "" || value === 0 || value === false;
}
