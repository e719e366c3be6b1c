import { detached, type HeaderList, names } from "./codec/headers.ts";

const bounds = [
  5, 10, 20, 40, 60, 80, 100, 150, 200, 250, 300, 350, 400, 450, 500, 600, 700, 800, 900, 1000, 2000, 5000, 10000,
  20000, 50000, 100000,
];

/** The values of the labels that every series has. */
export interface RevisionLabels {
  readonly namespace: string;
  readonly service: string;
  readonly configuration: string;
  readonly revision: string;
  readonly pod: string;
}

/** Request metrics for the user's Prometheus. Source: serving v0.42.2 pkg/queue/request_metric.go. */
export interface RequestMetrics {
  /** A request was answered to the client after `latencyMs`. */
  request(status: number, routeTag: string, latencyMs: number): void;
  /** The container answered (or failed to) after `latencyMs`. */
  appRequest(status: number, latencyMs: number): void;
  /** Requests running or waiting, seen when one starts. */
  queueDepth(value: number): void;
  /** Prometheus text format 0.0.4. */
  expose(): string;
}

interface Series {
  readonly labels: string;
  count: number;
  sum: number;
  readonly buckets: number[];
}

type SeriesByStatus = Map<number, Series>;

/** Creates metrics that have seen nothing. */
export function createRequestMetrics(revision: RevisionLabels): RequestMetrics {
  const common = [
    label("configuration_name", revision.configuration || "unknown"),
    label("container_name", "queue-proxy"),
    label("namespace_name", revision.namespace || "unknown"),
    label("pod_name", revision.pod || "unknown"),
  ];
  const tail = [label("revision_name", revision.revision || "unknown")];
  const service = label("service_name", revision.service || "unknown");
  /** By tag. */
  const requests = new Map<string, SeriesByStatus>();
  const appRequests: SeriesByStatus = new Map();
  let depth: number | undefined;

  const labelsOf = (status: number, routeTag: string | undefined): string => {
    const code = status === 0 ? "" : String(status);
    const codeClass = status === 0 ? "" : `${Math.floor(status / 100)}xx`;
    return [
      ...common,
      label("response_code", code),
      label("response_code_class", codeClass),
      ...tail,
      ...(routeTag === undefined ? [] : [label("route_tag", routeTag)]),
      service,
    ].join(",");
  };
  const record = (into: SeriesByStatus, status: number, routeTag: string | undefined, latencyMs: number) => {
    let series = into.get(status);
    if (!series) {
      series = { labels: labelsOf(status, routeTag), count: 0, sum: 0, buckets: new Array(bounds.length).fill(0) };
      into.set(status, series);
    }
    const whole = Math.floor(latencyMs);
    series.count++;
    series.sum += whole;
    // OpenCensus buckets exclude their upper bound.
    let bucket = 0;
    while (bucket < bounds.length && whole >= bounds[bucket]!) bucket++;
    if (bucket < bounds.length) series.buckets[bucket]!++;
  };
  return {
    request(status, routeTag, latencyMs) {
      let series = requests.get(routeTag);
      if (!series) {
        series = new Map();
        requests.set(detached(routeTag), series);
      }
      record(series, status, routeTag, latencyMs);
    },
    appRequest: (status, latencyMs) => record(appRequests, status, undefined, latencyMs),
    queueDepth(value) {
      depth = value;
    },
    expose() {
      const lines: string[] = [];
      const family = (name: string, type: string, help: string) => {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
      };
      const counter = (name: string, help: string, from: readonly Series[]) => {
        if (from.length === 0) return;
        family(name, "counter", help);
        for (const series of from) lines.push(`${name}{${series.labels}} ${series.count}`);
      };
      const histogram = (name: string, from: readonly Series[]) => {
        if (from.length === 0) return;
        family(name, "histogram", "The response time in millisecond");
        for (const series of from) {
          let total = 0;
          bounds.forEach((bound, index) => {
            total += series.buckets[index]!;
            lines.push(`${name}_bucket{${series.labels},le="${prometheusNumber(bound)}"} ${total}`);
          });
          lines.push(`${name}_bucket{${series.labels},le="+Inf"} ${series.count}`);
          lines.push(`${name}_sum{${series.labels}} ${prometheusNumber(series.sum)}`);
          lines.push(`${name}_count{${series.labels}} ${series.count}`);
        }
      };
      const all = sorted([...requests.values()]);
      const ofApp = sorted([appRequests]);
      const appHelp = "The number of requests that are routed to user-container";
      counter("revision_app_request_count", appHelp, ofApp);
      histogram("revision_app_request_latencies", ofApp);
      if (depth !== undefined) {
        family("revision_queue_depth", "gauge", "The number of items queued at this queue proxy.");
        lines.push(`revision_queue_depth{${labelsOf(0, undefined)}} ${depth}`);
      }
      counter("revision_request_count", "The number of requests that are routed to queue-proxy", all);
      histogram("revision_request_latencies", all);
      return lines.length > 0 ? `${lines.join("\n")}\n` : "";
    },
  };
}

/** The `route_tag` label of a request. Source: serving v0.42.2 queue.GetRouteTagNameFromRequest. */
export function routeTag(headers: HeaderList): string {
  const tag = headers.get(names.routeTag) ?? "";
  const defaultRoute = headers.get(names.defaultRoute) ?? "";
  if (tag === "") return defaultRoute === "" ? "DISABLED" : "DEFAULT";
  return defaultRoute === "true" ? "UNDEFINED" : tag;
}

function sorted(from: readonly SeriesByStatus[]): Series[] {
  return from.flatMap((series) => [...series.values()]).sort((a, b) => (a.labels < b.labels ? -1 : 1));
}

function label(name: string, value: string): string {
  return `${name}="${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

/** Go prints 100000 as 100000 and 1000000 as 1e+06 in this format. */
function prometheusNumber(value: number): string {
  if (value < 1e21 && (value < 1e6 || value % 1 !== 0)) return String(value);
  const [mantissa, exponent] = value.toExponential().split("e");
  return `${mantissa}e+${exponent!.replace(/[+-]/, "").padStart(2, "0")}`;
}
