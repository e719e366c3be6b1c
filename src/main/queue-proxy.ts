import { locateIn, loopbackMode, ownAddress } from "../cluster/shared-loopback.ts";
import { systemClock } from "../lib/clock.ts";
import type { Locate } from "../lib/locate.ts";
import type { LogLevel } from "../lib/log.ts";
import { choosePlatform } from "../queue-proxy/adapters/platform.ts";
import { readKeyPair } from "../queue-proxy/certificates.ts";
import { type Environment, EnvironmentError, parseEnvironment } from "../queue-proxy/environment.ts";
import { createLineLogger } from "../queue-proxy/log-lines.ts";
import { startQueueProxy } from "../queue-proxy/queue-proxy.ts";
import type { Network, ReadFile } from "../queue-proxy/transport.ts";

const certificateDirectory = "/var/lib/knative/certs";

async function main(): Promise<void> {
  const stopped = firstSignal();
  const environment = readEnvironment();
  const logger = createLineLogger("queueproxy", logLevel(environment), systemClock, print, {
    "knative.dev/key": `${environment.namespace}/${environment.revision}`,
    "knative.dev/pod": environment.pod,
  });
  const root = process.env["HAKN_ROOT"] ?? "";
  const loopback = loopbackMode(process.env);
  const { network, readFile } = await choosePlatform(systemClock);
  const started = await startQueueProxy({
    environment,
    network: located(network, locateIn(loopback)),
    clock: systemClock,
    logger,
    address: ownAddress(loopback, process.env["HAKN_BIND_ADDRESS"], environment.podIp),
    readKeyPair: () => readKeyPair(readFile, root + certificateDirectory),
    report: (line) => console.error(line),
    writeLog,
    socketStatistics: createSocketStatistics(readFile),
  }).catch((error: Error) => {
    logger.error("Failed to bring up queue-proxy, shutting down.", { error });
    process.exit(1);
  });
  await stopped;
  await started.terminate();
  process.exit(0);
}

/** Resolves at SIGTERM or SIGINT; a second one means now. Listened for from the start, so that none is missed. */
function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    let signalled = false;
    const take = () => {
      if (signalled) process.exit(1);
      signalled = true;
      resolve();
    };
    process.on("SIGTERM", take);
    process.on("SIGINT", take);
  });
}

/**
 * Writes lines to standard output before it returns. In Bun, process.stdout loads streams that take 5 MB, and what a slow
 * reader has not taken by the program's end is lost.
 */
function print(lines: string): void {
  console.log(lines.slice(0, -"\n".length));
}

/** The pod's addresses are listened on where they really are; what is connected to is in the pod, on 127.0.0.1. */
function located(network: Network, locate: Locate): Network {
  return {
    ...network,
    listen({ address, port, ...options }, accept) {
      const at = locate({ host: address, port });
      return network.listen({ ...options, address: at.host, port: at.port }, accept);
    },
  };
}

function readEnvironment(): Environment {
  try {
    return parseEnvironment(process.env);
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

const levels: Readonly<Record<string, LogLevel>> = {
  debug: "debug",
  info: "info",
  warn: "warn",
  error: "error",
  dpanic: "error",
  panic: "error",
  fatal: "error",
};

/** SERVING_LOGGING_LEVEL, else the level in the zap configuration, else info. */
function logLevel({ loggingLevel, loggingConfig }: Environment): LogLevel {
  const named = levels[loggingLevel.toLowerCase()];
  if (named) return named;
  try {
    const { level } = JSON.parse(loggingConfig || "{}") as { level?: unknown };
    return levels[String(level).toLowerCase()] ?? "info";
  } catch {
    return "info";
  }
}

let lines = "";

/** Request log lines of one turn go out in one write. */
function writeLog(text: string): void {
  if (lines === "") setImmediate(flushLog);
  lines += text;
}

function flushLog(): void {
  print(lines);
  lines = "";
}

/** The kernel's socket statistics, read once a second at most: a container that is down must not cost a file each time. */
function createSocketStatistics(readFile: ReadFile): () => Promise<string> {
  let statistics = Promise.resolve("");
  let readMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = systemClock.monotonic();
    if (nowMs - readMs >= 1000) {
      readMs = nowMs;
      statistics = readFile("/proc/net/sockstat").catch((error: Error) => error.message);
    }
    return statistics;
  };
}

void main();
