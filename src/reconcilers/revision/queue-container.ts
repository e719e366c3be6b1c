import type { Container, ContainerPort, EnvVar, Probe } from "../../apis/core/pod-spec.ts";
import { controllerOf } from "../../apis/meta.ts";
import { probeHeader } from "../../apis/networking/headers.ts";
import {
  autoscalingMetricsPort,
  autoscalingMetricsPortName,
  backendHttp2Port,
  backendHttpPort,
  backendHttpsPort,
  queueAdminPort,
  queueAdminPortName,
  userMetricsPort,
  userMetricsPortName,
} from "../../apis/networking/ports.ts";
import { serviceLabel, unlimitedStreamsAnnotation } from "../../apis/serving/labels.ts";
import type { Revision } from "../../apis/serving/revision.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { formatGoFloat } from "../../lib/go-number.ts";
import { encodeProbe, encodeProbes, makeServingProbe, makeSidecarProbe } from "./probes.ts";
import { makeQueueResources } from "./queue-resources.ts";
import { envVar, servingContainer, sidecarContainers, speaksH2c, userPort } from "./user-containers.ts";

export const queueContainerName = "queue-proxy";

/** Facts of this installation that every queue-proxy is told. */
export interface Installation {
  /** The namespace of the control plane. */
  readonly systemNamespace: string;
  /** The prefix of metric names. */
  readonly metricsDomain: string;
}

const http: ContainerPort = { name: "queue-port", containerPort: backendHttpPort };
const http2: ContainerPort = { name: "queue-port", containerPort: backendHttp2Port };
const https: ContainerPort = { name: "https-port", containerPort: backendHttpsPort };
const profiling: ContainerPort = { name: "profiling-port", containerPort: 8008 };
const alwaysOpen: readonly ContainerPort[] = [
  { name: queueAdminPortName, containerPort: queueAdminPort },
  { name: autoscalingMetricsPortName, containerPort: autoscalingMetricsPort },
  { name: userMetricsPortName, containerPort: userMetricsPort },
];

/**
 * The queue-proxy container of a revision's pods. Throws MissingProbePortError where a sidecar's probe names no port.
 * Source: serving v0.42.2 pkg/reconciler/revision/resources/queue.go.
 */
export function makeQueueContainer(revision: Revision, config: ServingConfig, installation: Installation): Container {
  const serving = servingContainer(revision);
  const servingPort = speaksH2c(revision) ? http2 : http;
  return {
    name: queueContainerName,
    image: config.deployment.queueSidecarImage,
    resources: makeQueueResources(revision, config),
    ports: [...alwaysOpen, ...(config.observability.enableProfiling ? [profiling] : []), servingPort, https],
    ...(serving.readinessProbe && { readinessProbe: makeQueueProbe(serving.readinessProbe, servingPort) }),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    },
    env: makeEnvironment(revision, config, installation, servingPort),
  };
}

/** The kubelet asks queue-proxy, at the pace that the user set for the program; queue-proxy asks the program. */
function makeQueueProbe(probe: Probe, servingPort: ContainerPort): Probe {
  const { exec: _, httpGet: __, tcpSocket: ___, grpc: ____, ...timing } = probe;
  const httpHeaders = [{ name: probeHeader, value: "queue" }];
  return { ...timing, httpGet: { port: servingPort.containerPort, httpHeaders } };
}

function makeEnvironment(
  revision: Revision,
  config: ServingConfig,
  installation: Installation,
  servingPort: ContainerPort,
): EnvVar[] {
  const { metadata, spec } = revision;
  const { observability, tracing, logging, features } = config;
  const owner = controllerOf(revision);
  const unlimitedStreams = metadata.annotations?.[unlimitedStreamsAnnotation]?.toLowerCase() === "enabled";
  const fullDuplex = metadata.annotations?.["features.knative.dev/http-full-duplex"];
  return [
    envVar("SERVING_NAMESPACE", metadata.namespace),
    envVar("SERVING_SERVICE", metadata.labels?.[serviceLabel]),
    envVar("SERVING_CONFIGURATION", owner?.kind === "Configuration" ? owner.name : ""),
    envVar("SERVING_REVISION", metadata.name),
    envVar("QUEUE_SERVING_PORT", String(servingPort.containerPort)),
    envVar("QUEUE_SERVING_TLS_PORT", String(https.containerPort)),
    envVar("CONTAINER_CONCURRENCY", String(spec.containerConcurrency ?? 0)),
    envVar("REVISION_TIMEOUT_SECONDS", String(spec.timeoutSeconds ?? 0)),
    envVar("REVISION_RESPONSE_START_TIMEOUT_SECONDS", String(spec.responseStartTimeoutSeconds ?? 0)),
    envVar("REVISION_IDLE_TIMEOUT_SECONDS", String(spec.idleTimeoutSeconds ?? 0)),
    { name: "SERVING_POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "SERVING_POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
    envVar("SERVING_LOGGING_CONFIG", logging.loggingConfig),
    envVar("SERVING_LOGGING_LEVEL", logging.loggingLevel.queueproxy),
    envVar("SERVING_REQUEST_LOG_TEMPLATE", observability.requestLogTemplate),
    envVar("SERVING_ENABLE_REQUEST_LOG", String(observability.enableRequestLog)),
    envVar("SERVING_REQUEST_METRICS_BACKEND", observability.requestMetricsBackend),
    envVar(
      "SERVING_REQUEST_METRICS_REPORTING_PERIOD_SECONDS",
      String(observability.requestMetricsReportingPeriodSeconds),
    ),
    envVar("TRACING_CONFIG_BACKEND", tracing.backend),
    envVar("TRACING_CONFIG_ZIPKIN_ENDPOINT", tracing.zipkinEndpoint),
    envVar("TRACING_CONFIG_DEBUG", String(tracing.debug)),
    envVar("TRACING_CONFIG_SAMPLE_RATE", formatGoFloat(tracing.sampleRate)),
    envVar("USER_PORT", String(userPort(revision))),
    envVar("SYSTEM_NAMESPACE", installation.systemNamespace),
    envVar("METRICS_DOMAIN", installation.metricsDomain),
    envVar("SERVING_READINESS_PROBE", makeReadinessProbe(revision, config)),
    envVar("ENABLE_PROFILING", String(observability.enableProfiling)),
    envVar("SERVING_ENABLE_PROBE_REQUEST_LOG", String(observability.enableProbeRequestLog)),
    envVar("METRICS_COLLECTOR_ADDRESS", observability.metricsCollectorAddress),
    { name: "HOST_IP", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "status.hostIP" } } },
    envVar("ENABLE_HTTP2_AUTO_DETECTION", String(features.autoDetectHTTP2 === "Enabled")),
    envVar("ENABLE_HTTP_FULL_DUPLEX", String(fullDuplex?.toLowerCase() === "enabled")),
    envVar("ROOT_CA", config.deployment.queueSidecarRootCA),
    envVar("ENABLE_MULTI_CONTAINER_PROBES", String(features.multiContainerProbing === "Enabled")),
    // Only where it is asked for: pods are otherwise upstream's to the letter.
    ...(unlimitedStreams ? [envVar("HAKN_UNLIMITED_STREAMS", "true")] : []),
  ];
}

/** What queue-proxy is to probe in the pod before it says that the pod is ready. */
function makeReadinessProbe(revision: Revision, config: ServingConfig): string {
  const { readinessProbe } = servingContainer(revision);
  const own = readinessProbe ? makeServingProbe(readinessProbe, userPort(revision)) : null;
  if (config.features.multiContainerProbing !== "Enabled") return own ? encodeProbe(own) : "";
  const others = sidecarContainers(revision).flatMap(({ name, readinessProbe: probe }) =>
    probe ? [makeSidecarProbe({ name, readinessProbe: probe })] : [],
  );
  return encodeProbes([own, ...others]);
}
