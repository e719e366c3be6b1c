import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import { answer } from "./answer.ts";
import { createHttp1Backend } from "./backend.ts";
import { createBreaker } from "./breaker.ts";
import { createDeadlineQueue } from "./deadlines.ts";
import { createDrainer } from "./drain.ts";
import type { Environment } from "./environment.ts";
import { createHttp2Backend } from "./http2-client.ts";
import { createRequestMetrics } from "./metrics.ts";
import { createProxy } from "./proxy.ts";
import { createReadiness, parseProbes } from "./readiness.ts";
import { type ServeOptions, type Server, serve } from "./server.ts";
import { createAdminHandler, servePath } from "./side-servers.ts";
import { createRequestStats, startStatReporter } from "./stats.ts";
import type { KeyPair, Network } from "./transport.ts";

const adminPort = 8022;
const statsPort = 9090;
const metricsPort = 9091;
/** Queue positions per unit of container concurrency. */
const queueDepthFactor = 10;
const maxIdleConnections = 1000;

/** What the sidecar needs from its surroundings. */
export interface QueueProxyContext {
  readonly environment: Environment;
  readonly network: Network;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where every server listens. */
  readonly address: string;
  /** The mounted certificate, if there is one: the main server then listens over TLS too, the admin server only so. */
  readonly keyPair: KeyPair | undefined;
  /** Plain lines for people: failed readiness checks. */
  readonly report: (line: string) => void;
  readonly socketStatistics: () => string;
}

/** The running sidecar. */
export interface QueueProxy {
  /** Ports by server name: main, admin, metrics, user-metrics, ... */
  readonly ports: Readonly<Record<string, number>>;
  /** Drains, then shuts the servers down gracefully. */
  terminate(): Promise<void>;
  /** Cuts everything at once. */
  close(): Promise<void>;
}

/** Starts every server. Rejects when a probe does not parse or a port cannot be bound. */
export async function startQueueProxy(context: QueueProxyContext): Promise<QueueProxy> {
  const { environment, network, clock, logger, address } = context;
  const stats = createRequestStats(clock);
  const reporter = startStatReporter(clock, environment.pod, stats);
  const drainer = createDrainer(clock);
  const concurrency = environment.containerConcurrency;
  const breaker = concurrency > 0 ? createBreaker(concurrency, queueDepthFactor * concurrency) : undefined;
  if (breaker) {
    const parameters = {
      QueueDepth: queueDepthFactor * concurrency,
      MaxConcurrency: concurrency,
      InitialCapacity: concurrency,
    };
    logger.info("Queue container is starting with BreakerParams", parameters);
  }
  const metrics = createMetrics(environment, logger);
  const backendAddress = { host: "127.0.0.1", port: Number(environment.userPort) };
  const maxIdle = concurrency > 0 ? concurrency : maxIdleConnections;
  const http1 = createHttp1Backend(network, clock, backendAddress, maxIdle);
  const http2 = createHttp2Backend(network, clock, backendAddress);
  const queueOf = (ms: number) => (ms > 0 ? createDeadlineQueue(clock, ms) : undefined);
  const timeouts = {
    revision: queueOf(environment.revisionTimeoutMs),
    responseStart: queueOf(environment.responseStartTimeoutMs),
    idleMs: environment.idleTimeoutMs,
  };
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
    requestLog: undefined,
    tracer: undefined,
    socketStatistics: context.socketStatistics,
  });

  let terminating = false;
  const servers = new Map<string, Server>();
  const start = async (name: string, options: Omit<ServeOptions, "address"> & { readonly address?: string }) => {
    const where = options.address ?? address;
    logger.info(`Starting ${options.tls ? "tls" : "http"} server ${name}:${options.port}`);
    try {
      servers.set(options.tls ? `${name}-tls` : name, await serve(network, clock, { ...options, address: where }));
    } catch (error) {
      throw new Error(`${name} server failed to serve: ${(error as Error).message}`, { cause: error });
    }
  };
  const close = async () => {
    reporter.stop();
    await Promise.all([...servers.values()].map((server) => server.close()));
    http1.close();
    http2.close();
    timeouts.revision?.clear();
    timeouts.responseStart?.clear();
    drainer.reset();
  };

  logger.info("Starting queue-proxy");
  try {
    await start("main", { port: Number(environment.servingPort), handler });
    const admin = createAdminHandler(clock, logger, drainer, () => terminating);
    await start("admin", { port: portOr(environment, adminPort), handler: admin, tls: context.keyPair });
    const statsHandler = servePath("/metrics", (_request, responder) =>
      answer(responder, 200, reporter.message(), "application/protobuf"),
    );
    await start("metrics", { port: portOr(environment, statsPort), handler: statsHandler });
    if (metrics) {
      const expose = servePath("/metrics", (_request, responder) =>
        answer(responder, 200, metrics.expose(), "text/plain; version=0.0.4; charset=utf-8"),
      );
      const host = environment.prometheusHost || address;
      await start("user-metrics", { port: portOr(environment, metricsPort), handler: expose, address: host });
    }
    if (context.keyPair)
      await start("main", { port: Number(environment.servingTlsPort), handler, tls: context.keyPair });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ports: Object.fromEntries([...servers].map(([name, server]) => [name, server.port])),
    async terminate() {
      terminating = true;
      logger.info("Received TERM signal, attempting to gracefully shutdown servers.");
      logger.info("Sleeping 30s to allow K8s propagation of non-ready state");
      await drainer.drain();
      for (const [name, server] of servers) {
        if (name === "user-metrics") continue;
        logger.info(`Shutting down server: ${name}`);
        await server.shutdown();
      }
      logger.info("Shutdown complete, exiting...");
      await close();
    },
    close,
  };
}

/** In tests the serving port is 0, and so are the well-known ones. */
function portOr(environment: Environment, port: number): number {
  return environment.servingPort === "0" ? 0 : port;
}

function createProbe({ environment, network, clock, report }: QueueProxyContext): () => Promise<boolean> {
  if (environment.readinessProbe === "") return async () => true;
  const probes = parseProbes(environment.readinessProbe, environment.enableMultiContainerProbes);
  return createReadiness({ network, clock, detectHttp2: environment.enableHttp2AutoDetection, report }, probes);
}

function createMetrics(environment: Environment, logger: Logger) {
  const backend = environment.metricsBackend.toLowerCase();
  if (backend === "") return undefined;
  if (backend !== "prometheus" && backend !== "opencensus" && backend !== "none") {
    const error = `unsupported metrics backend value ${JSON.stringify(environment.metricsBackend)}`;
    logger.error("Error setting up request metrics exporter. Request metrics will be unavailable.", { error });
    return undefined;
  }
  // Only Prometheus has a reader here; the other backends are accepted and record nothing.
  return backend === "prometheus" ? createRequestMetrics(environment) : undefined;
}
