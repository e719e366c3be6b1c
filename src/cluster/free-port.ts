import { createServer } from "node:net";

interface PortRange {
  readonly first: number;
  readonly count: number;
}

// Both ranges are below the one from which systems take the ports of connections, and of listeners that ask for any: of
// that one, a port that is chosen now and listened on later may be somebody else's by then.

/** The ports that the parts of a cluster are given, and keep from one start to the next. */
export const clusterPorts: PortRange = { first: 12_000, count: 8_000 };
/** The ports that users' programs are given. */
export const userPorts: PortRange = { first: 20_000, count: 12_000 };

/** A port of that range that is free on every address of the machine, and not among those taken. */
export async function findFreePort(
  { first, count }: PortRange,
  taken: ReadonlySet<number | undefined> = new Set(),
): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = first + Math.floor(Math.random() * count);
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free port was found between ${first} and ${first + count}`);
}

/** Whether nobody listens on that port at any IPv4 address of the machine, nor where else `localhost` may lead. */
export async function isFree(port: number): Promise<boolean> {
  return (await probePort("0.0.0.0", port)) === undefined && (await probePort("::1", port)) !== "EADDRINUSE";
}

/** The code of the error with which that port of that address cannot be listened on; undefined where it can. */
export function probePort(address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
    server.listen({ port, host: address, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
