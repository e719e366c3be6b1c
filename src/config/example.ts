import { crc32 } from "node:zlib";
import type { ConfigData } from "./fields.ts";

/** The key under which a ConfigMap explains its settings. */
const exampleKey = "_example";

/** The annotation with the checksum that the explanation had when it was written. */
const exampleChecksumAnnotation = "knative.dev/example-checksum";

/**
 * The checksum of an explanation: line ends and outer white space do not matter.
 * Source: knative.dev/pkg configmap.Checksum, as serving v0.42.2 requires it.
 */
export function exampleChecksum(example: string): string {
  // Upstream joins the lines by a backslash and an "n".
  const joined = example.trim().replaceAll(/(?:\r?\n)+/g, "\\n");
  return crc32(joined).toString(16).padStart(8, "0");
}

/** Whether someone has edited the explanation, most likely in place of the setting itself. */
export function isExampleEdited(data: ConfigData, annotations: Readonly<Record<string, string>>): boolean {
  const example = data[exampleKey];
  const checksum = annotations[exampleChecksumAnnotation];
  return example !== undefined && checksum !== undefined && checksum !== exampleChecksum(example);
}
