import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import type { SocketAddress } from "../../lib/locate.ts";
import { type LoopbackMode, locateIn, sharedNetworks } from "../shared-loopback.ts";
import { candidateNetworks } from "./addresses.ts";

/** The kubelet's port, and others for machines on which a kubelet listens on every address. */
const usualPorts = [10_250, 10_350, 20_250];

/** The loopback network of a cluster, and where its node agent listens. */
export interface Network {
  /** Its first two bytes, such as "127.16". */
  readonly prefix: string;
  readonly address: string;
  readonly port: number;
}

/**
 * Takes a loopback network for this cluster by listening on its first address: whoever does has it. The network that
 * the cluster had before comes first. Rejects when others have all networks.
 */
export async function claimNetwork(
  server: Server,
  dataDir: string,
  mode: LoopbackMode,
  ports = usualPorts,
): Promise<Network> {
  const remembered = join(dataDir, "network");
  const before = existsSync(remembered) ? [readFileSync(remembered, "utf8").trim()] : [];
  const candidates = mode === "own" ? candidateNetworks(dataDir) : sharedNetworks;
  const prefixes = [...before.filter((prefix) => mode === "own" || candidates.includes(prefix)), ...candidates];
  const locate = locateIn(mode);
  let refused = "";
  for (const port of mode === "own" ? ports : ports.slice(0, 1)) {
    for (const prefix of prefixes) {
      const address = `${prefix}.0.1`;
      const code = await tryListen(server, locate({ host: address, port }));
      if (code === undefined) {
        writeFileSync(remembered, prefix);
        return { prefix, address, port };
      }
      refused = code;
    }
  }
  throw new Error(
    `no loopback network is free for this cluster (${refused}): at most ${prefixes.length} clusters run on one machine`,
  );
}

/** The error's code; undefined for success. */
function tryListen(server: Server, { host, port }: SocketAddress): Promise<string | undefined> {
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
    server.listen({ port, host, exclusive: true });
  });
}
