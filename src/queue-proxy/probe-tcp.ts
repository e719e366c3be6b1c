import type { Clock } from "../lib/clock.ts";
import type { Network } from "./transport.ts";

/** Connects and closes. Rejects with the reason when that does not succeed within `timeoutMs`. */
export function probeTcp(network: Network, clock: Clock, host: string, port: number, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancelTimer = clock.setTimer(timeoutMs, () => {
      giveUp();
      reject(new Error(`dial tcp ${host}:${port}: i/o timeout`));
    });
    const giveUp = network.connect(
      { host, port },
      (connection) => {
        cancelTimer();
        connection.destroy();
        resolve();
        return { data() {}, drain() {}, end() {}, close() {} };
      },
      (error) => {
        cancelTimer();
        reject(dialFailure(host, port, error));
      },
    );
  });
}

/** The text that Go gives for a failed connection attempt. */
export function dialFailure(host: string, port: number, error: Error): Error {
  const { code } = error as NodeJS.ErrnoException;
  const reason =
    code === "ECONNREFUSED"
      ? "connect: connection refused"
      : code === "ECONNRESET"
        ? "connect: connection reset by peer"
        : error.message;
  return new Error(`dial tcp ${host}:${port}: ${reason}`, { cause: error });
}
