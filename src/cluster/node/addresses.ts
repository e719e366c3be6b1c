import { createHash } from "node:crypto";
import type { PodSpec } from "../../apis/core/pod-spec.ts";
import { addressesOf, type LoopbackMode, type Role, sharedHost } from "../shared-loopback.ts";
import { findUserPort } from "./user-port.ts";

/** The second byte of the loopback networks that clusters take: 127.16.0.0/16 and up. */
const firstNetwork = 16;
const networks = 234;

/** The networks to try, in order: the one that the data directory's name leads to first. */
export function candidateNetworks(dataDirectory: string): string[] {
  const start = createHash("sha256").update(dataDirectory).digest().readUInt32BE(0) % networks;
  return Array.from({ length: networks }, (_, index) => `127.${firstNetwork + ((start + index) % networks)}`);
}

/** Whose programs a pod runs: which of our ports are listened on there, if any. */
export type Tenant = Exclude<Role, "node"> | "other";

/** Revisions have a queue-proxy; the control plane runs from images of ours (see main/cluster-parts.ts). */
export function tenantOf(spec: PodSpec): Tenant {
  if (findUserPort(spec)) return "revision";
  return spec.containers.some(({ image = "" }) => /^[^/]+\/hakn\//.test(image)) ? "controlPlane" : "other";
}

/** The addresses of one cluster's pods. */
export interface Addresses {
  /** Takes a free address; one that was given back lately comes last. */
  take(tenant: Tenant): string;
  /** Whether an address that was taken before, by another agent, is still one of ours. */
  owns(address: string): boolean;
  reserve(address: string): void;
  release(address: string): void;
}

/** Hands out 127.x.y.z of one network. On a shared loopback address, pods of others have that: 127.0.0.1. */
export function createAddresses(network: string, mode: LoopbackMode): Addresses {
  return mode === "own" ? ownAddresses(network) : sharedAddresses(network);
}

/** Every pod is alike: z goes from 2 to 254, .0.1 is the node's. */
function ownAddresses(network: string): Addresses {
  const perBlock = 253;
  const pool = createPool(
    256 * perBlock,
    (index) => `${network}.${Math.floor(index / perBlock)}.${2 + (index % perBlock)}`,
    `${network}.0.0/16`,
  );
  return { ...pool, owns: (address) => address !== sharedHost };
}

function sharedAddresses(network: string): Addresses {
  const poolOf = (role: Role) => {
    const all = addressesOf(network, role);
    return createPool(all.length, (index) => all[index]!, `${network}.0.0/16 for pods like it`);
  };
  const pools = { controlPlane: poolOf("controlPlane"), revision: poolOf("revision") };
  const both = Object.values(pools);
  return {
    take: (tenant) => (tenant === "other" ? sharedHost : pools[tenant].take()),
    owns: (address) => address === sharedHost || address.startsWith(`${network}.`),
    reserve(address) {
      for (const pool of both) pool.reserve(address);
    },
    release(address) {
      for (const pool of both) pool.release(address);
    },
  };
}

function createPool(count: number, at: (index: number) => string, what: string) {
  const taken = new Set<string>();
  let next = 0;
  return {
    take(): string {
      for (let tries = 0; tries < count; tries++) {
        const address = at(next++ % count);
        if (taken.has(address)) continue;
        taken.add(address);
        return address;
      }
      throw new Error(`no address of ${what} is free`);
    },
    reserve: (address: string): void => void taken.add(address),
    release: (address: string): void => void taken.delete(address),
  };
}
