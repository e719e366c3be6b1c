import { messageOf } from "../lib/error-message.ts";
import { formatGoFloat, parseGoBool } from "../lib/go-number.ts";
import { goQuote } from "../lib/go-quote.ts";
import { Problem } from "./config-error.ts";
import {
  asBool,
  asFloat,
  asString,
  type ConfigData,
  check,
  configParser,
  overlay,
  type Row,
  type Rule,
  valueAt,
} from "./fields.ts";

/** Where traces go (config-tracing). Source: knative.dev/pkg tracing/config, as serving v0.42.2 requires it. */
export interface TracingConfig {
  readonly backend: "none" | "zipkin";
  readonly zipkinEndpoint: string;
  /** Traces every request, whatever the sample rate. */
  readonly debug: boolean;
  /** The share of requests that is traced, 0 to 1. */
  readonly sampleRate: number;
}

const defaults: TracingConfig = { backend: "none", zipkinEndpoint: "", debug: false, sampleRate: 0.1 };

const rows: readonly Row<TracingConfig>[] = [
  ["zipkin-endpoint", "zipkinEndpoint", asString],
  ["debug", "debug", asBool],
  ["sample-rate", "sampleRate", asFloat],
];

const rules: readonly Rule<TracingConfig>[] = [
  [
    "zipkin-endpoint",
    ({ backend, zipkinEndpoint }) => backend === "zipkin" && zipkinEndpoint === "",
    () => "zipkin tracing enabled without a zipkin endpoint specified",
  ],
  [
    "sample-rate",
    ({ sampleRate }) => sampleRate < 0 || sampleRate > 1,
    ({ sampleRate }) => `sample-rate = ${formatGoFloat(sampleRate)} must be in [0, 1] range`,
  ],
];

/** Parses config-tracing. Throws ConfigError. */
export const parseTracingConfig = configParser<TracingConfig>("config-tracing", (data) => {
  const config = overlay({ ...defaults, backend: backend(data) }, data, rows);
  check(config, rules);
  return config;
});

function backend(data: ConfigData): TracingConfig["backend"] {
  const name = valueAt(data, "backend");
  if (name === "none" || name === "zipkin") return name;
  if (name !== undefined) {
    throw new Problem(`unsupported tracing backend value ${goQuote(name)}`, "backend", { allowed: "none or zipkin" });
  }
  const enable = valueAt(data, "enable");
  if (enable === undefined) return "none";
  try {
    return parseGoBool(enable) ? "zipkin" : "none";
  } catch (error) {
    throw new Problem(`failed parsing tracing config "enable": ${messageOf(error)}`, "enable", { cause: error });
  }
}
