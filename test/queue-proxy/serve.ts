import { type Clock, systemClock } from "../../src/lib/clock.ts";
import { silentLogger } from "../../src/lib/log.ts";
import { choosePlatform } from "../../src/queue-proxy/adapters/platform.ts";
import { parseEnvironment } from "../../src/queue-proxy/environment.ts";
import { startQueueProxy } from "../../src/queue-proxy/queue-proxy.ts";

/** How much faster than others its clock runs, so that a minute is soon over. */
const speed = Number(process.env["HAKN_TEST_SPEED"] ?? 1);
/** A TLS key pair as JSON. */
const keyPair = process.env["HAKN_TEST_KEY_PAIR"];

const clock: Clock = {
  now: systemClock.now,
  monotonic: () => systemClock.monotonic() * speed,
  setTimer: (delayMs, fire) => systemClock.setTimer(delayMs / speed, fire),
  sleep: (delayMs, signal) => systemClock.sleep(delayMs / speed, signal),
};

/**
 * Serves on ports of the system's choice, with the sockets of the runtime that it is started in, and prints the ports as
 * one line of JSON; the request log follows. For tests: `bun test/queue-proxy/serve.ts`.
 */
async function main(): Promise<void> {
  const started = await startQueueProxy({
    environment: parseEnvironment(process.env),
    network: (await choosePlatform(clock)).network,
    clock,
    logger: silentLogger,
    address: "127.0.0.1",
    readKeyPair: async () => (keyPair === undefined ? undefined : JSON.parse(keyPair)),
    report: () => {},
    writeLog: (lines) => process.stdout.write(lines),
    socketStatistics: async () => "",
  });
  process.stdout.write(`${JSON.stringify(started.ports)}\n`);
}

await main();
