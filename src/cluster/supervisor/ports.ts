import { clusterPorts, findFreePort, probePort } from "../free-port.ts";
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
  const { httpPort, httpsPort } = told;
  if (httpPort === httpsPort) throw new PortTakenError(`--http-port and --https-port are both ${httpPort}`);
  if (httpPort !== 0) await requirePort(httpPort, "the gateway", "--http-port");
  if (httpsPort !== undefined) await requirePort(httpsPort, "the gateway's TLS", "--https-port");
  const taken = new Set([httpPort, httpsPort]);
  const choose = async (preferred: number | undefined): Promise<number> => {
    const kept = preferred !== undefined && !taken.has(preferred) && !(await obstacleAt(preferred));
    const port = kept ? preferred : await findFreePort(clusterPorts, taken);
    taken.add(port);
    return port;
  };
  return {
    httpPort: httpPort === 0 ? await choose(before?.gatewayPort) : httpPort,
    apiPort: await choose(before?.apiPort),
    registryPort: await choose(before?.registryPort ?? defaultRegistryPort),
  };
}

/** Rejects with PortTakenError when `port` cannot be listened on. `option` is how to choose another. */
async function requirePort(port: number, purpose: string, option: string): Promise<void> {
  const obstacle = await obstacleAt(port);
  if (!obstacle) return;
  const { where, code } = obstacle;
  throw new PortTakenError(
    `port ${port} of ${where}, for ${purpose}, ${whyNot(code)} (${code}): ${remedy(code, option)}`,
  );
}

/**
 * Why a port cannot be ours. Clients find us by the name localhost, which may lead them to ::1 first: what listens there
 * would get our requests.
 */
async function obstacleAt(port: number): Promise<{ readonly where: string; readonly code: string } | undefined> {
  const code = await probePort(loopbackAddress, port);
  const taken6 = (await probePort(loopbackAddress6, port)) === "EADDRINUSE";
  if (code === undefined) return taken6 ? { where: loopbackAddress6, code: "EADDRINUSE" } : undefined;
  const both = taken6 && code === "EADDRINUSE";
  return { where: both ? `${loopbackAddress} and ${loopbackAddress6}` : loopbackAddress, code };
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

/** Whether addresses of 127.0.0.0/8 beside 127.0.0.1 can be listened on: so it is on Linux, but not on macOS. */
export async function hasManyLoopbackAddresses(): Promise<boolean> {
  return (await probePort("127.250.254.253", 0)) !== "EADDRNOTAVAIL";
}
