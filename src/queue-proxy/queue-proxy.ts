import { answer } from "./answer.ts";
import { watchKeyPair } from "./certificates.ts";
import { createDrainer } from "./drain.ts";
import type { Environment } from "./environment.ts";
import { createProfilingHandler } from "./profiling.ts";
import { createRequestPath, type RequestPathContext } from "./request-path.ts";
import { type ServeOptions, type Server, serve } from "./server.ts";
import { createAdminHandler, servePath } from "./side-servers.ts";
import { createRequestStats, startStatReporter } from "./stats.ts";
import type { KeyPair } from "./transport.ts";

const adminPort = 8022;
const statsPort = 9090;
const metricsPort = 9091;

/** What the sidecar needs from its surroundings. */
export interface QueueProxyContext extends RequestPathContext {
  /** Where every server listens. */
  readonly address: string;
  /**
   * Reads the mounted certificate, if there is one: the main server then listens over TLS too, the admin server only so.
   */
  readonly readKeyPair: () => Promise<KeyPair | undefined>;
}

/** The running sidecar. */
export interface QueueProxy {
  /** Ports by server name: main, main-tls, admin, admin-tls, metrics, user-metrics, profile. */
  readonly ports: Readonly<Record<string, number>>;
  /** Drains, then shuts the servers down gracefully. */
  terminate(): Promise<void>;
  /** Cuts everything at once. */
  close(): Promise<void>;
}

/**
 * Starts every server. Rejects when the probe or the certificate cannot be used or a port cannot be bound.
 * Source: serving v0.42.2 pkg/queue/sharedmain/main.go.
 */
export async function startQueueProxy(context: QueueProxyContext): Promise<QueueProxy> {
  const { environment, network, clock, logger, address } = context;
  const keyPair = await context.readKeyPair();
  const stats = createRequestStats(clock);
  const drainer = createDrainer(clock);
  const path = createRequestPath(context, stats, drainer);
  const reporter = startStatReporter(clock, environment.pod, stats);
  const servers = new Map<string, Server>();
  let terminating = false;
  let stopWatching = () => {};

  const start = async (name: string, options: Omit<ServeOptions, "address">, where = address) => {
    logger.info(`Starting ${options.tls ? "tls" : "http"} server ${name}:${options.port}`);
    try {
      servers.set(options.tls ? `${name}-tls` : name, await serve(network, clock, { ...options, address: where }));
    } catch (error) {
      const place = `port ${options.port}${where ? ` of ${where}` : ""}`;
      throw new Error(`${name} server failed to serve at ${place}: ${reasonOf(error)}`, { cause: error });
    }
  };
  const close = async () => {
    stopWatching();
    reporter.stop();
    drainer.reset();
    await Promise.all([...servers.values()].map((server) => server.close()));
    await path.close();
  };
  const wellKnown = (port: number) => portOf(environment, port);

  logger.info("Starting queue-proxy");
  try {
    const { handler, metrics } = path;
    await start("main", { port: Number(environment.servingPort), handler });
    if (keyPair) await start("main", { port: Number(environment.servingTlsPort), handler, tls: keyPair });
    const admin = createAdminHandler(clock, logger, drainer, () => terminating);
    await start("admin", { port: wellKnown(adminPort), handler: admin, tls: keyPair });
    const stat = servePath("/metrics", (_, responder) => {
      answer(responder, 200, reporter.message(), "application/protobuf");
    });
    await start("metrics", { port: wellKnown(statsPort), handler: stat });
    if (metrics) {
      const expose = servePath("/metrics", (_, responder) => {
        answer(responder, 200, metrics.expose(), "text/plain; version=0.0.4; charset=utf-8");
      });
      await start(
        "user-metrics",
        { port: wellKnown(metricsPort), handler: expose },
        environment.prometheusHost || address,
      );
    }
    if (environment.enableProfiling) {
      await start("profile", { port: wellKnown(environment.profilingPort), handler: createProfilingHandler(clock) });
    }
  } catch (error) {
    await close();
    throw error;
  }
  if (keyPair) {
    stopWatching = watchKeyPair(clock, logger, keyPair, context.readKeyPair, (pair) => {
      servers.get("main-tls")?.setKeyPair(pair);
      servers.get("admin-tls")?.setKeyPair(pair);
    });
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
      await close();
      logger.info("Shutdown complete, exiting...");
    },
    close,
  };
}

/** Where the serving port is left to the system (0), in tests, so are the well-known ones. */
function portOf(environment: Environment, port: number): number {
  return environment.servingPort === "0" ? 0 : port;
}

/** Why a port cannot be listened at: Bun's message leaves out what Node's begins with, such as EADDRINUSE. */
function reasonOf(error: unknown): string {
  const { message, code = "" } = error as NodeJS.ErrnoException;
  return message.includes(code) ? message : `${message} (${code})`;
}
