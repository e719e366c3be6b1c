import { readFileSync } from "node:fs";
import { locateIn, loopbackMode, ownAddress } from "../cluster/shared-loopback.ts";
import { systemClock } from "../lib/clock.ts";
import type { Locate } from "../lib/locate.ts";
import type { LogLevel } from "../lib/log.ts";
import { readKeyPair } from "../queue-proxy/certificates.ts";
import { type Environment, EnvironmentError, parseEnvironment } from "../queue-proxy/environment.ts";
import { createLineLogger } from "../queue-proxy/log-lines.ts";
import { startQueueProxy } from "../queue-proxy/queue-proxy.ts";
import type { Network } from "../queue-proxy/transport.ts";

const certificateDirectory = "/var/lib/knative/certs";

async function main(): Promise<void> {
  const stopped = firstSignal();
  const environment = readEnvironment();
  const print = (line: string) => process.stdout.write(line);
  const logger = createLineLogger("queueproxy", logLevel(environment), systemClock, print, {
    "knative.dev/key": `${environment.namespace}/${environment.revision}`,
    "knative.dev/pod": environment.pod,
  });
  const root = process.env["HAKN_ROOT"] ?? "";
  const loopback = loopbackMode(process.env);
  const started = await startQueueProxy({
    environment,
    network: located(await chooseNetwork(), locateIn(loopback)),
    clock: systemClock,
    logger,
    address: ownAddress(loopback, process.env["HAKN_BIND_ADDRESS"], environment.podIp),
    readKeyPair: () => readKeyPair(root + certificateDirectory),
    report: (line) => process.stderr.write(`${line}\n`),
    writeLog,
    socketStatistics,
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

/** Bun's own sockets where they are, else those of node:net. Only one of the two is loaded. */
async function chooseNetwork(): Promise<Network> {
  if ("Bun" in globalThis) return (await import("../queue-proxy/adapters/bun.ts")).createBunNetwork(systemClock);
  return (await import("../queue-proxy/adapters/node.ts")).nodeNetwork;
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
    process.stderr.write(`${error.message}\n`);
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
  process.stdout.write(lines);
  lines = "";
}

let statistics = "";
let statisticsReadMs = Number.NEGATIVE_INFINITY;

/** The kernel's socket statistics, read once a second at most: a container that is down must not cost a file each time. */
function socketStatistics(): string {
  const nowMs = systemClock.monotonic();
  if (nowMs - statisticsReadMs < 1000) return statistics;
  statisticsReadMs = nowMs;
  try {
    statistics = readFileSync("/proc/net/sockstat", "utf8");
  } catch (error) {
    statistics = (error as Error).message;
  }
  return statistics;
}

void main();
