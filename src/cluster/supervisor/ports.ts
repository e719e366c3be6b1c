import { createServer } from "node:net";
import type { ClusterState } from "./data-directory.ts";

/** A port that the cluster was told to use is taken. */
export class PortTakenError extends Error {}

/** Where the parts of the cluster listen. */
export const loopbackAddress = "127.0.0.1";
const defaultRegistryPort = 5050;

interface Ports {
  readonly httpPort: number;
  readonly apiPort: number;
  readonly registryPort: number;
}

/**
 * The ports of a cluster: those that it was told, 0 and undefined standing for any, and the ones that it had `before` where
 * they are free. Rejects with PortTakenError when one that it was told is taken.
 */
export async function choosePorts(
  told: {
    readonly httpPort: number;
    readonly httpsPort: number | undefined;
    readonly registryPort: number | undefined;
  },
  before: ClusterState | undefined,
): Promise<Ports> {
  const free = (preferred: number | undefined) => freePort(loopbackAddress, preferred);
  const httpPort = told.httpPort === 0 ? await free(before?.gatewayPort) : told.httpPort;
  await requirePort(loopbackAddress, httpPort, "the gateway", "--http-port");
  if (told.httpsPort !== undefined) {
    await requirePort(loopbackAddress, told.httpsPort, "the gateway's TLS", "--https-port");
  }
  return {
    httpPort,
    apiPort: await free(before?.apiPort),
    registryPort: await free(told.registryPort ?? before?.registryPort ?? defaultRegistryPort),
  };
}

/** Rejects with PortTakenError when `port` of `address` cannot be listened on. `option` is how to choose another. */
async function requirePort(address: string, port: number, purpose: string, option: string): Promise<void> {
  const code = await probe(address, port);
  if (code === undefined) return;
  const reason = code === "EACCES" ? "needs more rights" : "is already taken";
  throw new PortTakenError(
    `port ${port} of ${address}, for ${purpose}, ${reason} (${code}): stop what uses it, or choose another with ${option}`,
  );
}

/** `preferred` if it is free, else any free port. */
async function freePort(address: string, preferred: number | undefined): Promise<number> {
  if (preferred !== undefined && (await probe(address, preferred)) === undefined) return preferred;
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, address, () => {
      const found = server.address();
      server.close(() => resolve(typeof found === "object" && found ? found.port : 0));
    });
  });
}

/** Whether addresses of 127.0.0.0/8 beside 127.0.0.1 can be listened on: so it is on Linux, but not on macOS. */
export async function hasManyLoopbackAddresses(): Promise<boolean> {
  return (await probe("127.250.254.253", 0)) !== "EADDRNOTAVAIL";
}

function probe(address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
    server.listen(port, address, () => server.close(() => resolve(undefined)));
  });
}
