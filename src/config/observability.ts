import { parseGoAtoi } from "../lib/go-number.ts";
import { goQuote } from "../lib/go-quote.ts";
import { Problem } from "./config-error.ts";
import {
  asBool,
  asInt,
  asString,
  type ConfigData,
  check,
  configParser,
  overlay,
  type Row,
  type Rule,
  valueAt,
} from "./fields.ts";
import { readTemplate } from "./template.ts";

/** Logs, metrics and profiles of user pods (config-observability). Source: knative.dev/pkg metrics, as serving v0.42.2 requires it. */
export interface ObservabilityConfig {
  /** Whether /var/log of user containers is kept where a log collector finds it. */
  readonly enableVarLogCollection: boolean;
  /** Where a revision's logs are to be seen; holds `${REVISION_UID}`. */
  readonly loggingURLTemplate: string;
  /** A Go template that makes a request's log line; "" for none. */
  readonly requestLogTemplate: string;
  readonly enableProbeRequestLog: boolean;
  readonly enableRequestLog: boolean;
  /** prometheus, opencensus or none. */
  readonly requestMetricsBackend: string;
  readonly requestMetricsReportingPeriodSeconds: number;
  readonly enableProfiling: boolean;
  readonly metricsCollectorAddress: string;
}

const defaults: ObservabilityConfig = {
  enableVarLogCollection: false,
  loggingURLTemplate: "",
  requestLogTemplate:
    '{"httpRequest": {"requestMethod": "{{.Request.Method}}", "requestUrl": "{{js .Request.RequestURI}}", "requestSize": "{{.Request.ContentLength}}", "status": {{.Response.Code}}, "responseSize": "{{.Response.Size}}", "userAgent": "{{js .Request.UserAgent}}", "remoteIp": "{{js .Request.RemoteAddr}}", "serverIp": "{{.Revision.PodIP}}", "referer": "{{js .Request.Referer}}", "latency": "{{.Response.Latency}}s", "protocol": "{{.Request.Proto}}"}, "traceId": "{{index .Request.Header "X-B3-Traceid"}}"}',
  enableProbeRequestLog: false,
  enableRequestLog: false,
  requestMetricsBackend: "prometheus",
  requestMetricsReportingPeriodSeconds: 5,
  enableProfiling: false,
  metricsCollectorAddress: "",
};

const rows: readonly Row<ObservabilityConfig>[] = [
  ["logging.enable-var-log-collection", "enableVarLogCollection", asBool],
  ["logging.revision-url-template", "loggingURLTemplate", asString],
  ["logging.request-log-template", "requestLogTemplate", asString],
  ["logging.enable-request-log", "enableRequestLog", asBool],
  ["logging.enable-probe-request-log", "enableProbeRequestLog", asBool],
  ["metrics.request-metrics-backend-destination", "requestMetricsBackend", asString],
  ["metrics.request-metrics-reporting-period-seconds", "requestMetricsReportingPeriodSeconds", asInt],
  ["profiling.enable", "enableProfiling", asBool],
  ["metrics.opencensus-address", "metricsCollectorAddress", asString],
];

const rules: readonly Rule<ObservabilityConfig>[] = [
  [
    "logging.request-log-template",
    ({ requestLogTemplate, enableRequestLog }) => requestLogTemplate === "" && enableRequestLog,
    () => '"logging.enable-request-log" was set to true, but no "logging.request-log-template" was specified',
  ],
];

/** Parses config-observability. Throws ConfigError. */
export const parseObservabilityConfig = configParser<ObservabilityConfig>("config-observability", (data) => {
  const config = overlay({ ...defaults, requestMetricsReportingPeriodSeconds: reportingPeriod(data) }, data, rows);
  check(config, rules);
  readTemplate("requestLog", config.requestLogTemplate, "logging.request-log-template");
  return config;
});

/** The period of request metrics where it has no setting of its own. */
function reportingPeriod(data: ConfigData): number {
  const key = "metrics.reporting-period-seconds";
  const text = valueAt(data, key) ?? "";
  if (text === "") return valueAt(data, "metrics.request-metrics-backend-destination") === "opencensus" ? 60 : 5;
  try {
    return parseGoAtoi(text);
  } catch (error) {
    throw new Problem(`invalid ${key} value ${goQuote(text)}`, key, { cause: error, allowed: "a whole number" });
  }
}
