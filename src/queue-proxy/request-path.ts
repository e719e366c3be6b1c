import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import { createHttp1Backend } from "./backend.ts";
import { createBreaker } from "./breaker.ts";
import { createDeadlineQueue } from "./deadlines.ts";
import type { Drainer } from "./drain.ts";
import type { Environment } from "./environment.ts";
import { createHttp2Backend } from "./http2-client.ts";
import type { Handler } from "./message.ts";
import { createRequestMetrics, type RequestMetrics } from "./metrics.ts";
import { createProxy } from "./proxy.ts";
import { createReadiness, parseProbes } from "./readiness.ts";
import { createRequestLog, type RequestLog } from "./request-log.ts";
import type { RequestStats } from "./stats.ts";
import { createTracer, type Tracer } from "./tracing.ts";
import type { Network } from "./transport.ts";
import { createZipkinReporter, postTo } from "./zipkin.ts";

/** Queue positions per unit of container concurrency. */
const queueDepthFactor = 10;
const maxIdleConnections = 1000;

export interface RequestPathContext {
  readonly environment: Environment;
  readonly network: Network;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Plain lines for people: failed readiness checks. */
  readonly report: (line: string) => void;
  /** Request log lines. */
  readonly writeLog: (lines: string) => void;
  readonly socketStatistics: () => Promise<string>;
}

/** What the main server runs. */
export interface RequestPath {
  readonly handler: Handler;
  readonly metrics: RequestMetrics | undefined;
  /** Closes connections to the container, timers and exporters. */
  close(): Promise<void>;
}

/** Builds the request path that the environment asks for. Throws when the readiness probe does not parse. */
export function createRequestPath(context: RequestPathContext, stats: RequestStats, drainer: Drainer): RequestPath {
  const { environment, network, clock, logger } = context;
  const concurrency = environment.containerConcurrency;
  const queueDepth = queueDepthFactor * concurrency;
  const breaker = concurrency > 0 ? createBreaker(concurrency, queueDepth) : undefined;
  if (breaker) {
    const parameters = `QueueDepth:${queueDepth}, MaxConcurrency:${concurrency}, InitialCapacity:${concurrency}`;
    logger.info(`Queue container is starting with BreakerParams = queue.BreakerParams{${parameters}}`);
  }
  const address = { host: "127.0.0.1", port: Number(environment.userPort) };
  const http1 = createHttp1Backend(network, clock, address, concurrency > 0 ? concurrency : maxIdleConnections);
  const http2 = createHttp2Backend(network, clock, address);
  const queueOf = (ms: number) => (ms > 0 ? createDeadlineQueue(clock, ms) : undefined);
  const timeouts = {
    revision: queueOf(environment.revisionTimeoutMs),
    responseStart: queueOf(environment.responseStartTimeoutMs),
    idleMs: environment.idleTimeoutMs,
    spareBegun: environment.unlimitedStreams,
  };
  const metrics = createMetrics(environment, logger);
  const tracing = createTracing(context);
  const handler = createProxy({
    clock,
    logger,
    drainer,
    probe: createProbe(context),
    stats,
    breaker,
    timeouts,
    http1,
    http2,
    defaultHost: `127.0.0.1:${environment.userPort}`,
    metrics,
    requestLog: createLog(context),
    tracer: tracing?.tracer,
    socketStatistics: context.socketStatistics,
  });
  return {
    handler,
    metrics,
    async close() {
      http1.close();
      http2.close();
      timeouts.revision?.clear();
      timeouts.responseStart?.clear();
      await tracing?.close();
    },
  };
}

function createProbe({ environment, network, clock, report }: RequestPathContext): () => Promise<boolean> {
  if (environment.readinessProbe === "") return async () => true;
  const probes = parseProbes(environment.readinessProbe, environment.enableMultiContainerProbes);
  return createReadiness({ network, clock, detectHttp2: environment.enableHttp2AutoDetection, report }, probes);
}

function createMetrics(environment: Environment, logger: Logger): RequestMetrics | undefined {
  const backend = environment.metricsBackend.toLowerCase();
  if (backend === "") return undefined;
  if (!["prometheus", "opencensus", "none"].includes(backend)) {
    const error = `unsupported metrics backend value ${JSON.stringify(environment.metricsBackend)}`;
    logger.error("Error setting up request metrics exporter. Request metrics will be unavailable.", { error });
    return undefined;
  }
  if (backend === "opencensus") {
    logger.warn("request metrics backend opencensus is not served; use prometheus");
  }
  return backend === "prometheus" ? createRequestMetrics(environment) : undefined;
}

function createLog({ environment, logger, writeLog }: RequestPathContext): RequestLog | undefined {
  const { enableRequestLog, requestLogTemplate, enableProbeRequestLog } = environment;
  if (!enableRequestLog || requestLogTemplate === "") return undefined;
  try {
    return createRequestLog(requestLogTemplate, enableProbeRequestLog, environment, writeLog);
  } catch (error) {
    logger.error("Error setting up request logger. Request logs will be unavailable.", { error });
    return undefined;
  }
}

/** Any backend but "none" makes spans and passes the context on; only zipkin exports. */
function createTracing({
  environment,
  clock,
  logger,
}: RequestPathContext): { readonly tracer: Tracer; close(): Promise<void> } | undefined {
  const { tracingBackend, tracingZipkinEndpoint, tracingDebug, tracingSampleRate, pod, podIp } = environment;
  if (tracingBackend === "none") return undefined;
  const exports = tracingBackend === "zipkin" && tracingZipkinEndpoint !== "";
  const reporter = exports ? createZipkinReporter(clock, logger, postTo(tracingZipkinEndpoint)) : undefined;
  const tracer = createTracer({
    clock,
    // Nobody would see the spans: without an exporter only a caller's own decision is passed on.
    debug: exports && tracingDebug,
    sampleRate: exports ? tracingSampleRate : 0,
    podName: pod,
    podIp,
    report: (span) => reporter?.report(span),
  });
  return { tracer, close: async () => reporter?.close() };
}
