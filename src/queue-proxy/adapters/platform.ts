import type { Clock } from "../../lib/clock.ts";
import type { Network, ReadFile } from "../transport.ts";

/** What a runtime gives the queue-proxy. */
export interface Platform {
  readonly network: Network;
  readonly readFile: ReadFile;
}

/** Bun's own sockets and files where they are, else Node's. Only one of the two is loaded. */
export async function choosePlatform(clock: Clock): Promise<Platform> {
  if ("Bun" in globalThis) {
    const { createBunNetwork, readBunFile } = await import("./bun.ts");
    return { network: createBunNetwork(clock), readFile: readBunFile };
  }
  const { nodeNetwork, readNodeFile } = await import("./node.ts");
  return { network: nodeNetwork, readFile: readNodeFile };
}
