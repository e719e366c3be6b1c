import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { candidateNetworks } from "./addresses.ts";

/** The kubelet's port, and others for machines on which a kubelet listens on every address. */
const usualPorts = [10_250, 10_350, 20_250];

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
export async function claimNetwork(server: Server, dataDir: string, ports = usualPorts): Promise<Network> {
  const remembered = join(dataDir, "network");
  const before = existsSync(remembered) ? [readFileSync(remembered, "utf8").trim()] : [];
  const prefixes = [...before, ...candidateNetworks(dataDir)];
  for (const port of ports) {
    for (const prefix of prefixes) {
      const address = `${prefix}.0.1`;
      const code = await tryListen(server, address, port);
      if (code === "EADDRNOTAVAIL") return listenAnywhere(server);
      if (code !== undefined) continue;
      writeFileSync(remembered, prefix);
      return { prefix, address, port };
    }
  }
  return listenAnywhere(server);
}

async function listenAnywhere(server: Server): Promise<Network> {
  const code = await tryListen(server, "127.0.0.1", 0);
  if (code !== undefined) throw new Error(`the node agent cannot listen on 127.0.0.1: ${code}`);
  return { prefix: undefined, address: "127.0.0.1", port: (server.address() as { port: number }).port };
}

/** The error's code; undefined for success. */
function tryListen(server: Server, address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const finish = (code: string | undefined) => {
      server.off("error", failed);
      server.off("listening", succeeded);
      resolve(code);
    };
    const failed = (error: NodeJS.ErrnoException) => finish(error.code ?? error.message);
    const succeeded = () => finish(undefined);
    server.once("error", failed);
    server.once("listening", succeeded);
    server.listen({ port, host: address, exclusive: true });
  });
}
