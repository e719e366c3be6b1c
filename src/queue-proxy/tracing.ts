import type { Clock } from "../lib/clock.ts";
import { type HeaderList, names } from "./codec/headers.ts";
import type { OutgoingHead, RequestHead } from "./message.ts";
import { randomHex, readTraceContext, type TraceContext, writeTraceContext } from "./trace-context.ts";

/** A unit of work that is timed. */
export interface Span {
  annotateError(text: string): void;
  end(): void;
}

/** The spans of one proxied request. */
export interface RequestTrace {
  /** The wait for the breaker begins. */
  waits(): void;
  /** The wait is over. */
  waited(): void;
  /** The request goes out: adds the headers that carry the context. */
  sends(outgoing: OutgoingHead): void;
  /** The request is over. `appStatus`: what the container's part amounted to. */
  finish(status: number, appStatus: number): void;
}

/** Makes spans and exports the sampled ones. */
export interface Tracer {
  startProbe(headers: HeaderList): Span;
  start(request: RequestHead): RequestTrace;
}

/** A finished span as Zipkin's v2 API takes it; times in microseconds. */
export interface ZipkinSpan {
  readonly timestamp: number;
  readonly duration: number;
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly name: string;
  readonly kind?: "SERVER" | "CLIENT";
  readonly localEndpoint: { readonly serviceName: string; readonly ipv4?: string };
  readonly annotations?: readonly { readonly timestamp: number; readonly value: string }[];
  readonly tags?: Readonly<Record<string, string>>;
}

export interface TracerOptions {
  readonly clock: Clock;
  /** Sample everything. */
  readonly debug: boolean;
  /** The share of traces that is sampled, 0 to 1. */
  readonly sampleRate: number;
  readonly podName: string;
  readonly podIp: string;
  /** Takes finished, sampled spans; must not wait. */
  readonly report: (span: ZipkinSpan) => void;
}

/** Creates a tracer. Source: knative.dev/pkg tracing, go.opencensus.io plugin/ochttp and trace. */
export function createTracer(options: TracerOptions): Tracer {
  const { clock } = options;
  const ipv4 = /^\d+\.\d+\.\d+\.\d+$/.test(options.podIp) ? { ipv4: options.podIp } : {};
  const localEndpoint = { serviceName: options.podName, ...ipv4 };

  /** Starts a span below `parent`, or a new trace. A parent's yes holds; without one the trace id decides. */
  const start = (name: string, parent: TraceContext | undefined, local: boolean, kind?: "SERVER" | "CLIENT") => {
    const traceId = parent?.traceId ?? randomHex(16);
    const sampled = local ? parent!.sampled : parent?.sampled === true || isSampled(options, traceId);
    const context: TraceContext = { traceId, spanId: randomHex(8), sampled, state: parent?.state };
    return makeSpan(name, context, parent?.spanId, kind);
  };
  const makeSpan = (name: string, context: TraceContext, parentId: string | undefined, kind?: "SERVER" | "CLIENT") => {
    const startedMs = context.sampled ? clock.now() : 0;
    const annotations: { timestamp: number; value: string }[] = [];
    const tags: Record<string, string> = {};
    let ended = false;
    return {
      context,
      tags,
      annotateError(text: string) {
        annotations.push({ timestamp: Math.round(clock.now() * 1000), value: "error" });
        tags["queueproxy.probe.error"] = text;
      },
      status(code: number) {
        const status = traceStatus(code);
        tags["http.status_code"] = String(code);
        tags["opencensus.status_description"] = status;
        if (status !== "OK") tags["error"] = status;
      },
      end() {
        if (ended || !context.sampled) return;
        ended = true;
        options.report({
          timestamp: Math.round(startedMs * 1000),
          duration: Math.max(1, Math.round((clock.now() - startedMs) * 1000)),
          traceId: context.traceId,
          id: context.spanId,
          ...(parentId !== undefined && { parentId }),
          name,
          ...(kind && { kind }),
          localEndpoint,
          ...(annotations.length > 0 && { annotations }),
          ...(Object.keys(tags).length > 0 && { tags }),
        });
      },
    };
  };
  return {
    startProbe: (headers) => start("probe", readTraceContext(headers), false),
    start(request) {
      const path = request.target.split("?", 1)[0]!;
      const ignored = path === "/healthz" || path === "/_ah/health";
      const incoming = readTraceContext(request.headers);
      const server = ignored ? undefined : start(path, incoming, false, "SERVER");
      if (server?.context.sampled) describe(server.tags, request.method, path, request.host, request.headers);
      const proxy = start("queue_proxy", server?.context ?? incoming, server !== undefined);
      let wait: Span | undefined;
      let client: ReturnType<typeof makeSpan> | undefined;
      return {
        waits() {
          wait = start("queue_wait", proxy.context, true);
        },
        waited() {
          wait?.end();
        },
        sends(outgoing) {
          client = start(path, proxy.context, true, "CLIENT");
          if (client.context.sampled) {
            describe(client.tags, request.method, path, outgoing.host, request.headers);
          }
          writeTraceContext(outgoing.headers, client.context);
        },
        finish(status, appStatus) {
          client?.status(appStatus);
          client?.end();
          wait?.end();
          proxy.end();
          server?.status(status);
          server?.end();
        },
      };
    },
  };
}

function describe(tags: Record<string, string>, method: string, path: string, host: string, headers: HeaderList): void {
  tags["http.path"] = path;
  tags["http.url"] = path;
  tags["http.host"] = host;
  tags["http.method"] = method;
  const agent = headers.get(names.userAgent);
  if (agent) tags["http.user_agent"] = agent;
}

/** As OpenCensus's ProbabilitySampler: the upper half of the trace id against the rate. */
function isSampled(options: TracerOptions, traceId: string): boolean {
  if (options.debug || options.sampleRate >= 1) return true;
  if (options.sampleRate <= 0) return false;
  return BigInt(`0x${traceId.slice(0, 16)}`) >> 1n < BigInt(Math.floor(options.sampleRate * 2 ** 63));
}

/** Source: go.opencensus.io plugin/ochttp.TraceStatus. */
function traceStatus(code: number): string {
  if (code >= 200 && code < 400) return "OK";
  return statusNames[code] ?? "UNKNOWN";
}

const statusNames: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  501: "UNIMPLEMENTED",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};
