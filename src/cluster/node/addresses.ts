import { createHash } from "node:crypto";

/** The second byte of the loopback networks that clusters take: 127.16.0.0/16 and up. */
const firstNetwork = 16;
const networks = 234;

/** The networks to try, in order: the one that the data directory's name leads to first. */
export function candidateNetworks(dataDirectory: string): string[] {
  const start = createHash("sha256").update(dataDirectory).digest().readUInt32BE(0) % networks;
  return Array.from({ length: networks }, (_, index) => `127.${firstNetwork + ((start + index) % networks)}`);
}

/** The addresses of one cluster's pods. */
export interface Addresses {
  /** Takes a free address; one that was given back lately comes last. */
  take(): string;
  reserve(address: string): void;
  release(address: string): void;
}

/** Hands out 127.x.y.z of one network, z from 2 to 254. Where only 127.0.0.1 can be bound, every pod has that. */
export function createAddresses(network: string | undefined): Addresses {
  const taken = new Set<string>();
  const perBlock = 253;
  let next = 0;
  return {
    take() {
      if (network === undefined) return "127.0.0.1";
      for (let tries = 0; tries < 256 * perBlock; tries++) {
        const address = `${network}.${Math.floor(next / perBlock) % 256}.${2 + (next % perBlock)}`;
        next++;
        if (taken.has(address)) continue;
        taken.add(address);
        return address;
      }
      throw new Error(`no address of ${network}.0.0/16 is free`);
    },
    reserve: (address) => void taken.add(address),
    release: (address) => void taken.delete(address),
  };
}
