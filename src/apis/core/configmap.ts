import { defineKind, type ObjectOf } from "../kind.ts";
import { bool, bytes, mapOf, stringMap } from "../schema.ts";

/** Settings, as names and texts. */
export const ConfigMap = defineKind({
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  shortNames: ["cm"],
  description: "Settings: names and texts.",
  properties: {
    data: stringMap("The texts by name."),
    binaryData: mapOf("What is not text, by name; base64.", bytes("The content.")),
    immutable: bool("Whether the data can no longer be changed."),
  },
});
export type ConfigMap = ObjectOf<typeof ConfigMap>;
