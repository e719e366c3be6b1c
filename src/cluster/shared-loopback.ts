import { asAddressed, type Locate } from "../lib/locate.ts";

/**
 * Pods on a system that has 127.0.0.1 and no other loopback address. They keep addresses of their own in the API; what
 * our programs listen on there is at a port of 127.0.0.1 that follows from address and port alone, so that every process
 * finds it without asking. See docs/decisions/0005-shared-loopback.md.
 */

/** The variable that tells a cluster's programs how pods are addressed. */
export const loopbackVariable = "HAKN_LOOPBACK";

/** "own": every pod binds an address of its own. "shared": all pods share 127.0.0.1. */
export type LoopbackMode = "own" | "shared";

/** What an address of a cluster's network is for, by its third byte. */
export type Role = "node" | "controlPlane" | "revision";

interface Block {
  /** The ports that our programs listen on; each has a place in the block, so new ones come last. */
  readonly ports: readonly number[];
  /** How many addresses of the kind there are: the last byte goes from 1 to this. */
  readonly count: number;
}

const roles: readonly [Role, Block][] = [
  ["node", { ports: [10_250], count: 1 }],
  ["controlPlane", { ports: [8443, 9030, 9040, 8010, 8080, 9031, 9041, 8011], count: 16 }],
  ["revision", { ports: [8012, 8013, 8112, 8022, 9090, 9091, 8008], count: 233 }],
];

/** The one address that there is. */
export const sharedHost = "127.0.0.1";
const portsOfBlock = 8;
const blocksOfNetwork = roles.reduce((sum, [, { count }]) => sum + count, 0);
/** Below the ports that users' programs are given (from 20000), above a kubelet's. */
const firstPort = 12_000;
const firstNetwork = 16;
const networks = 4;

/** The networks to choose from: as many clusters can share 127.0.0.1. */
export const sharedNetworks: readonly string[] = Array.from(
  { length: networks },
  (_, index) => `127.${firstNetwork + index}`,
);

/** All addresses of a network for pods of a role, in order. */
export function addressesOf(network: string, role: Role): string[] {
  const index = roles.findIndex(([name]) => name === role);
  return Array.from({ length: roles[index]![1].count }, (_, last) => `${network}.${index}.${last + 1}`);
}

/** The ports of 127.0.0.1 at which the programs of a pod of ours listen; none for another address. */
export function portsOf(host: string): number[] {
  const [network, role = -1] = parts(host);
  const block = network === undefined ? undefined : roles[role]?.[1];
  return (block?.ports ?? []).map((port) => locateOnSharedLoopback({ host, port }).port);
}

/**
 * Where a port of a pod is on 127.0.0.1. A port that is none of our programs' keeps its number: it belongs to a program
 * that knows nothing of this and listens on 127.0.0.1 itself. Other hosts are left alone.
 */
export const locateOnSharedLoopback: Locate = ({ host, port }) => {
  const [network, role = -1, last = 0] = parts(host);
  const block = roles[role]?.[1];
  if (network === undefined || !block || last < 1 || last > block.count) return { host, port };
  const place = block.ports.indexOf(port);
  if (place < 0) return { host: sharedHost, port };
  const before = roles.slice(0, role).reduce((sum, [, { count }]) => sum + count, 0);
  return { host: sharedHost, port: firstPort + (network * blocksOfNetwork + before + last - 1) * portsOfBlock + place };
};

/** The index of the network and the last two bytes of an address of ours; nothing for another host. */
function parts(host: string): readonly number[] {
  const bytes = /^127\.(\d+)\.(\d+)\.(\d+)$/.exec(host)?.slice(1).map(Number);
  if (!bytes) return [];
  const [second = 0, ...rest] = bytes;
  const network = second - firstNetwork;
  return network >= 0 && network < networks ? [network, ...rest] : [];
}

/** What the environment says of how pods are addressed; undefined when it says nothing. Throws for an unknown mode. */
export function loopbackMode(environment: Readonly<Record<string, string | undefined>>): LoopbackMode | undefined {
  const mode = environment[loopbackVariable];
  if (mode === undefined || mode === "") return undefined;
  if (mode === "own" || mode === "shared") return mode;
  throw new Error(`${loopbackVariable}=${mode} is unknown: leave it out, or set it to own or shared`);
}

/** How to find pods in that mode. */
export function locateIn(mode: LoopbackMode | undefined): Locate {
  return mode === "shared" ? locateOnSharedLoopback : asAddressed;
}

/** The address to ask `locate` for when a program is to listen in its pod: `bind` is what it was told to bind, if anything. */
export function ownAddress(mode: LoopbackMode | undefined, bind: string | undefined, podIP: string): string {
  return mode === "shared" ? podIP : bind || "0.0.0.0";
}
