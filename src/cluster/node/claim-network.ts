import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { candidateNetworks } from "./addresses.ts";

const usualPort = 10_250;

/** The loopback network of a cluster, and where its node agent listens. */
export interface Network {
  /** Absent where only 127.0.0.1 can be bound. */
  readonly prefix: string | undefined;
  readonly address: string;
  readonly port: number;
}

/**
 * Takes a loopback network for this cluster by listening on its first address: whoever does has it. The network that
 * the cluster had before comes first.
 */
export async function claimNetwork(server: Server, dataDir: string): Promise<Network> {
  const remembered = join(dataDir, "network");
  const before = existsSync(remembered) ? [readFileSync(remembered, "utf8").trim()] : [];
  for (const prefix of [...before, ...candidateNetworks(dataDir)]) {
    const address = `${prefix}.0.1`;
    const code = await tryListen(server, address, usualPort);
    if (code === "EADDRNOTAVAIL") break;
    if (code !== undefined) continue;
    writeFileSync(remembered, prefix);
    return { prefix, address, port: usualPort };
  }
  const code = await tryListen(server, "127.0.0.1", 0);
  if (code !== undefined) throw new Error(`the node agent cannot listen on 127.0.0.1: ${code}`);
  return { prefix: undefined, address: "127.0.0.1", port: (server.address() as { port: number }).port };
}

/** The error's code; undefined for success. */
function tryListen(server: Server, address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message);
    server.once("error", failed);
    server.listen({ port, host: address, exclusive: true }, () => {
      server.off("error", failed);
      resolve(undefined);
    });
  });
}
