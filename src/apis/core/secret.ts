import { defineKind, type ObjectOf } from "../kind.ts";
import { bool, bytes, mapOf, string, stringMap } from "../schema.ts";

/** Secret data: credentials, keys, certificates. */
export const Secret = defineKind({
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  description: "Secret data: credentials, keys, certificates.",
  properties: {
    type: string("What it is for, such as kubernetes.io/tls; Opaque unless told."),
    data: mapOf("The values by name; base64.", bytes("The value.")),
    stringData: stringMap("Values to write as plain text; they win over data and are never read back."),
    immutable: bool("Whether the data can no longer be changed."),
  },
});
export type Secret = ObjectOf<typeof Secret>;
