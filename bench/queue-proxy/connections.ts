import { systemClock } from "../../src/lib/clock.ts";
import type { Connection, ConnectionEvents, Network } from "../../src/queue-proxy/transport.ts";
import type { Load, LoadResult, Tally } from "./load.ts";

/** How long answers may take when the load is over. */
const graceMs = 10_000;

/** What asks over one connection. */
interface Client extends ConnectionEvents {
  destroy(): void;
}

/** Opens the load's connections, each with a client that says when it has `finished`, and adds up what they saw. */
export async function runOnConnections(
  network: Network,
  load: Load,
  tally: Tally,
  start: (connection: Connection, finished: () => void) => Client,
): Promise<LoadResult> {
  const clients: Client[] = [];
  const finished = Array.from({ length: load.connections }, () => {
    return new Promise<void>((resolve) => {
      network.connect(
        { host: "127.0.0.1", port: load.port },
        (connection) => {
          const client = start(connection, resolve);
          clients.push(client);
          return client;
        },
        () => {
          tally.failures++;
          resolve();
        },
      );
    });
  });
  await Promise.race([Promise.all(finished), systemClock.sleep(load.durationMs + graceMs)]);
  for (const client of clients) client.destroy();
  return tally.result();
}
