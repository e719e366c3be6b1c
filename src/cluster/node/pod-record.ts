import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PodSpec } from "../../apis/core/pod-spec.ts";
import { findFreePort, isFree, userPorts } from "../free-port.ts";
import { portsOf } from "../shared-loopback.ts";
import { type Addresses, tenantOf } from "./addresses.ts";
import { findUserPort, type UserPort } from "./user-port.ts";

/** What a pod was given, which must stay the same as long as its containers may live. */
export interface PodRecord {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly address: string;
  readonly userPort?: UserPort;
}

/** The records of all pods on disk. Directories without a readable record are listed with their uid alone. */
export function readPodRecords(podsDirectory: string): (PodRecord | { readonly uid: string })[] {
  mkdirSync(podsDirectory, { recursive: true });
  return readdirSync(podsDirectory).map((uid) => {
    try {
      return JSON.parse(readFileSync(join(podsDirectory, uid, "pod.json"), "utf8")) as PodRecord;
    } catch {
      return { uid };
    }
  });
}

/** Gives a pod its address and, where its program is told a port, that port. */
export async function makePodRecord(
  pod: { readonly uid: string; readonly namespace: string; readonly name: string },
  spec: PodSpec,
  directory: string,
  addresses: Addresses,
  takenPorts: Set<number>,
): Promise<PodRecord> {
  const address = await takeAddress(spec, addresses);
  const wanted = findUserPort(spec);
  const actual = wanted && (await findFreePort(userPorts, takenPorts));
  if (actual !== undefined) takenPorts.add(actual);
  const record: PodRecord = { ...pod, address, ...(wanted && { userPort: { ...wanted, actual: actual! } }) };
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "pod.json.new"), JSON.stringify(record));
  renameSync(join(directory, "pod.json.new"), join(directory, "pod.json"));
  return record;
}

/** On a shared loopback address, where another program has a port of a pod's address, the address stays unused. */
async function takeAddress(spec: PodSpec, addresses: Addresses): Promise<string> {
  for (;;) {
    const address = addresses.take(tenantOf(spec));
    const free = await Promise.all(portsOf(address).map(isFree));
    if (free.every(Boolean)) return address;
  }
}
