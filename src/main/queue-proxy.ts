import { existsSync, readFileSync } from "node:fs";
import { systemClock } from "../lib/clock.ts";
import { createLogger } from "../lib/log.ts";
import { bunNetwork } from "../queue-proxy/adapters/bun.ts";
import { nodeNetwork } from "../queue-proxy/adapters/node.ts";
import { type Environment, EnvironmentError, parseEnvironment } from "../queue-proxy/environment.ts";
import { startQueueProxy } from "../queue-proxy/queue-proxy.ts";

const certificateDirectory = "/var/lib/knative/certs";

async function main(): Promise<void> {
  const { environment, logger } = prepare();
  const started = await startQueueProxy({
    environment,
    network: "Bun" in globalThis ? bunNetwork : nodeNetwork,
    clock: systemClock,
    logger,
    address: process.env["HAKN_BIND_ADDRESS"] || "0.0.0.0",
    keyPair: readKeyPair(),
    report: (line) => process.stderr.write(`${line}\n`),
    socketStatistics: readSocketStatistics,
  }).catch((error: Error) => {
    logger.error("Failed to bring up queue-proxy, shutting down.", { error });
    process.exit(1);
  });
  let signalled = false;
  const stop = () => {
    // A second signal means now.
    if (signalled) process.exit(1);
    signalled = true;
    void started.terminate().then(() => process.exit(0));
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

function prepare() {
  let environment: Environment;
  try {
    environment = parseEnvironment(process.env);
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
  const logger = createLogger("queueproxy").child({
    "knative.dev/key": `${environment.namespace}/${environment.revision}`,
    "knative.dev/pod": environment.pod,
  });
  return { environment, logger };
}

function readKeyPair() {
  const root = process.env["HAKN_ROOT"] ?? "";
  const certPath = `${root}${certificateDirectory}/tls.crt`;
  const keyPath = `${root}${certificateDirectory}/tls.key`;
  if (!existsSync(certPath) || !existsSync(keyPath)) return undefined;
  return { cert: readFileSync(certPath, "utf8"), key: readFileSync(keyPath, "utf8") };
}

let statistics = "";
let statisticsReadMs = Number.NEGATIVE_INFINITY;

/** Read once a second at most: a container that is down must not make every request read a file. */
function readSocketStatistics(): string {
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

await main();
