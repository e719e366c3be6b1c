import { createServer } from "node:net";
import type { ClusterState } from "./data-directory.ts";

/** A port that the cluster was told to use is taken. */
export class PortTakenError extends Error {}

/** Where the parts of the cluster listen. */
const loopbackAddress = "127.0.0.1";
const loopbackAddress6 = "::1";
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
  },
  before: ClusterState | undefined,
): Promise<Ports> {
  const httpPort = told.httpPort === 0 ? await freePort(before?.gatewayPort) : told.httpPort;
  await requirePort(httpPort, "the gateway", "--http-port");
  if (told.httpsPort !== undefined) {
    if (told.httpsPort === httpPort) throw new PortTakenError(`--http-port and --https-port are both ${httpPort}`);
    await requirePort(told.httpsPort, "the gateway's TLS", "--https-port");
  }
  return {
    httpPort,
    apiPort: await freePort(before?.apiPort),
    registryPort: await freePort(before?.registryPort ?? defaultRegistryPort),
  };
}

/** Rejects with PortTakenError when `port` cannot be listened on. `option` is how to choose another. */
async function requirePort(port: number, purpose: string, option: string): Promise<void> {
  const obstacle = await obstacleAt(port);
  if (!obstacle) return;
  const { address, code } = obstacle;
  throw new PortTakenError(
    `port ${port} of ${address}, for ${purpose}, ${whyNot(code)} (${code}): ${remedy(code, option)}`,
  );
}

/**
 * Why a port cannot be ours. Clients find us by the name localhost, which may lead them to ::1 first: what listens there
 * would get our requests.
 */
async function obstacleAt(port: number): Promise<{ readonly address: string; readonly code: string } | undefined> {
  const code = await probe(loopbackAddress, port);
  if (code !== undefined) return { address: loopbackAddress, code };
  return (await probe(loopbackAddress6, port)) === "EADDRINUSE"
    ? { address: loopbackAddress6, code: "EADDRINUSE" }
    : undefined;
}

function whyNot(code: string): string {
  if (code === "EACCES") return "needs more rights";
  return code === "EADDRINUSE" ? "is already taken" : "cannot be listened on";
}

function remedy(code: string, option: string): string {
  if (code === "EACCES") return `choose one above 1023 with ${option}`;
  if (code === "EADDRINUSE") return `stop what uses it, or choose another with ${option}`;
  return "the loopback interface must be up and have that address";
}

/** `preferred` if it is free, else any free port. */
async function freePort(preferred: number | undefined): Promise<number> {
  if (preferred !== undefined && !(await obstacleAt(preferred))) return preferred;
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, loopbackAddress, () => {
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
