import { randomInt } from "node:crypto";
import { dns1035LabelProblems, dnsLabelProblems, subdomainProblems } from "../../lib/kube-names.ts";

/** A rule for object names: the reason why a name is not valid, or nothing. */
export type NameRule = (name: string) => string | undefined;

/** Most kinds. */
export const dnsSubdomain: NameRule = (name) => subdomainProblems(name)[0];

/** Namespaces, ports, containers. */
export const dnsLabel: NameRule = (name) => dnsLabelProblems(name)[0];

/** Services. */
export const dns1035Label: NameRule = (name) => dns1035LabelProblems(name)[0];

/** RBAC kinds: anything that is one segment of a path. Source: path.ValidatePathSegmentName. */
export const pathSegment: NameRule = (name) => {
  if (name === "." || name === "..") return `may not be '${name}'`;
  for (const character of ["/", "%"]) if (name.includes(character)) return `may not contain '${character}'`;
  return undefined;
};

const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/** `base` and five random characters, as the server names objects that have a generateName only. */
export function generateName(base: string): string {
  let suffix = "";
  for (let index = 0; index < 5; index++) suffix += alphabet[randomInt(alphabet.length)];
  return `${base.slice(0, 58)}${suffix}`;
}
