import { systemClock } from "../../src/lib/clock.ts";
import { silentLogger } from "../../src/lib/log.ts";
import { parseEnvironment } from "../../src/queue-proxy/environment.ts";
import { startQueueProxy } from "../../src/queue-proxy/queue-proxy.ts";
import type { Network } from "../../src/queue-proxy/transport.ts";

/**
 * Serves on ports of the system's choice, with the sockets of the runtime that it is started in, and prints the ports as
 * one line of JSON; the request log follows. For tests: `bun test/queue-proxy/serve.ts`.
 */
async function main(): Promise<void> {
  const started = await startQueueProxy({
    environment: parseEnvironment(process.env),
    network: await chooseNetwork(),
    clock: systemClock,
    logger: silentLogger,
    address: "127.0.0.1",
    readKeyPair: () => undefined,
    report: () => {},
    writeLog: (lines) => process.stdout.write(lines),
    socketStatistics: () => "",
  });
  process.stdout.write(`${JSON.stringify(started.ports)}\n`);
}

async function chooseNetwork(): Promise<Network> {
  if ("Bun" in globalThis) return (await import("../../src/queue-proxy/adapters/bun.ts")).createBunNetwork(systemClock);
  return (await import("../../src/queue-proxy/adapters/node.ts")).nodeNetwork;
}

await main();
