import type { Dice } from "../../src/testing/mutate.ts";
import { type Loose, namespace, serving } from "./world.ts";

const references: readonly Loose[] = [
  { kind: "Service", apiVersion: serving },
  { kind: "Service", apiVersion: serving },
  { kind: "Route", apiVersion: serving },
  { kind: "Service", apiVersion: serving },
  { kind: "Route", apiVersion: serving },
  { kind: "Service", apiVersion: "v1" },
  { kind: "Configuration", apiVersion: serving },
];

/** Sends the domain to something else. */
export function changeMapping(mapping: Loose, dice: Dice): void {
  mapping.spec.ref = { name: "t", namespace, ...dice.pick(references) };
  if (dice.roll(4) === 0) mapping.spec.tls = { secretName: "own" };
  else delete mapping.spec.tls;
}

const addresses: readonly Loose[] = [
  ...Array.from({ length: 40 }, () => ({ url: "http://t.ns.svc.cluster.local" })),
  { url: "https://t.ns.svc.cluster.local" },
  { url: "http://other-name.ns.svc.cluster.local/" },
  { url: "http://t.ns.svc.cluster.local/path" },
  { url: "http://t.ns.svc.cluster.local:8080" },
  { url: "http://t.other.svc.cluster.local" },
  { url: "http://a.t.ns.svc.cluster.local" },
  { url: "http://t.ns.example.com" },
  {},
];

/** What a target says where it is. */
export function readdress(target: Loose, dice: Dice): void {
  target.status = dice.roll(10) === 0 ? {} : { address: structuredClone(dice.pick(addresses)) };
}
