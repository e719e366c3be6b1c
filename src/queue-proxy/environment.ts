/** The sidecar's settings; names follow upstream's variables. Source: serving v0.42.2 pkg/queue/sharedmain/main.go. */
export interface Environment {
  readonly containerConcurrency: number;
  readonly servingPort: string;
  readonly servingTlsPort: string;
  readonly userPort: string;
  readonly revisionTimeoutMs: number;
  /** 0: off. */
  readonly responseStartTimeoutMs: number;
  /** 0: off. */
  readonly idleTimeoutMs: number;
  /** Ours: the three limits above end when an answer begins, or a tunnel opens. */
  readonly unlimitedStreams: boolean;
  readonly readinessProbe: string;
  readonly enableProfiling: boolean;
  readonly enableFullDuplex: boolean;
  readonly enableHttp2AutoDetection: boolean;
  readonly enableMultiContainerProbes: boolean;
  readonly loggingConfig: string;
  readonly loggingLevel: string;
  readonly requestLogTemplate: string;
  readonly enableRequestLog: boolean;
  readonly enableProbeRequestLog: boolean;
  readonly metricsBackend: string;
  readonly metricsPeriodSeconds: number;
  readonly metricsCollectorAddress: string;
  readonly tracingDebug: boolean;
  readonly tracingBackend: string;
  readonly tracingSampleRate: number;
  readonly tracingZipkinEndpoint: string;
  readonly namespace: string;
  readonly service: string;
  readonly configuration: string;
  readonly revision: string;
  readonly pod: string;
  readonly podIp: string;
  /** Where 9091 listens; "" for the servers' common address. */
  readonly prometheusHost: string;
  readonly profilingPort: number;
}

/** A variable that is missing or cannot be converted; the message is the one that upstream prints. */
export class EnvironmentError extends Error {}

/** Reads the environment. Throws EnvironmentError. Conversions and texts are those of kelseyhightower/envconfig. */
export function parseEnvironment(variables: Readonly<Record<string, string | undefined>>): Environment {
  const text = (key: string, required = false): string => {
    const value = variables[key];
    if (value === undefined && required) throw new EnvironmentError(`required key ${key} missing value`);
    return value ?? "";
  };
  const int = (key: string, field: string, required = false): number => {
    const value = text(key, required);
    if (variables[key] === undefined) return 0;
    const parsed = parseGoInt(value);
    if (typeof parsed === "number") return parsed;
    throw conversion(key, field, value, "int", `strconv.ParseInt: parsing ${quote(value)}: ${parsed}`);
  };
  const bool = (key: string, field: string): boolean => {
    const value = variables[key];
    if (value === undefined) return false;
    if (["1", "t", "T", "TRUE", "true", "True"].includes(value)) return true;
    if (["0", "f", "F", "FALSE", "false", "False"].includes(value)) return false;
    throw conversion(key, field, value, "bool", `strconv.ParseBool: parsing ${quote(value)}: invalid syntax`);
  };
  const float = (key: string, field: string): number => {
    const value = variables[key];
    if (value === undefined) return 0;
    const number = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(value) ? Number(value) : Number.NaN;
    if (!Number.isNaN(number)) return number;
    throw conversion(key, field, value, "float64", `strconv.ParseFloat: parsing ${quote(value)}: invalid syntax`);
  };
  // In upstream's order, so that the first error is the same one.
  return {
    containerConcurrency: int("CONTAINER_CONCURRENCY", "ContainerConcurrency", true),
    servingPort: text("QUEUE_SERVING_PORT", true),
    servingTlsPort: text("QUEUE_SERVING_TLS_PORT", true),
    userPort: text("USER_PORT", true),
    revisionTimeoutMs: 1000 * int("REVISION_TIMEOUT_SECONDS", "RevisionTimeoutSeconds", true),
    responseStartTimeoutMs:
      1000 * int("REVISION_RESPONSE_START_TIMEOUT_SECONDS", "RevisionResponseStartTimeoutSeconds"),
    idleTimeoutMs: 1000 * int("REVISION_IDLE_TIMEOUT_SECONDS", "RevisionIdleTimeoutSeconds"),
    readinessProbe: text("SERVING_READINESS_PROBE"),
    enableProfiling: bool("ENABLE_PROFILING", "EnableProfiling"),
    enableFullDuplex: bool("ENABLE_HTTP_FULL_DUPLEX", "EnableHTTPFullDuplex"),
    enableHttp2AutoDetection: bool("ENABLE_HTTP2_AUTO_DETECTION", "EnableHTTP2AutoDetection"),
    enableMultiContainerProbes: bool("ENABLE_MULTI_CONTAINER_PROBES", "EnableMultiContainerProbes"),
    loggingConfig: text("SERVING_LOGGING_CONFIG", true),
    loggingLevel: text("SERVING_LOGGING_LEVEL", true),
    requestLogTemplate: text("SERVING_REQUEST_LOG_TEMPLATE"),
    enableRequestLog: bool("SERVING_ENABLE_REQUEST_LOG", "ServingEnableRequestLog"),
    enableProbeRequestLog: bool("SERVING_ENABLE_PROBE_REQUEST_LOG", "ServingEnableProbeRequestLog"),
    metricsBackend: text("SERVING_REQUEST_METRICS_BACKEND"),
    metricsPeriodSeconds: int(
      "SERVING_REQUEST_METRICS_REPORTING_PERIOD_SECONDS",
      "ServingRequestMetricsReportingPeriodSeconds",
    ),
    metricsCollectorAddress: text("METRICS_COLLECTOR_ADDRESS"),
    tracingDebug: bool("TRACING_CONFIG_DEBUG", "TracingConfigDebug"),
    tracingBackend: text("TRACING_CONFIG_BACKEND"),
    tracingSampleRate: float("TRACING_CONFIG_SAMPLE_RATE", "TracingConfigSampleRate"),
    tracingZipkinEndpoint: text("TRACING_CONFIG_ZIPKIN_ENDPOINT"),
    namespace: text("SERVING_NAMESPACE", true),
    service: text("SERVING_SERVICE"),
    configuration: text("SERVING_CONFIGURATION", true),
    revision: text("SERVING_REVISION", true),
    pod: text("SERVING_POD", true),
    podIp: text("SERVING_POD_IP", true),
    prometheusHost: variables["METRICS_PROMETHEUS_HOST"] ?? "",
    unlimitedStreams: bool("HAKN_UNLIMITED_STREAMS", "UnlimitedStreams"),
    profilingPort: Number(variables["PROFILING_PORT"] || 8008),
  };
}

function conversion(key: string, field: string, value: string, type: string, details: string): EnvironmentError {
  const message = `envconfig.Process: assigning ${key} to ${field}: converting '${value}' to type ${type}. details: ${details}`;
  return new EnvironmentError(message);
}

/** As strconv.ParseInt with base 0; a string is the reason for refusal. */
function parseGoInt(text: string): number | string {
  const match = /^([+-]?)(0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]+|[0-9][0-9_]*)$/.exec(text);
  if (!match || /__|_$/.test(text)) return "invalid syntax";
  const digits = match[2]!.replaceAll("_", "");
  const literal = /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
  const value = BigInt(literal) * (match[1] === "-" ? -1n : 1n);
  if (value > 0x7fff_ffff_ffff_ffffn || value < -0x8000_0000_0000_0000n) return "value out of range";
  return Number(value);
}

function quote(text: string): string {
  return JSON.stringify(text);
}
