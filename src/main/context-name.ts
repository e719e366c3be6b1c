import { basename } from "node:path";

const usual = "hakn";

/**
 * What kubectl calls the cluster of a data directory: kubeconfigs of several are often used together, and of two contexts
 * with one name only the first counts. "hakn" for ~/.hakn, and "hakn-NAME" for another directory.
 */
export function contextNameOf(dataDir: string): string {
  const name = basename(dataDir)
    .replace(/[^A-Za-z0-9_.-]+/g, "-")
    .replace(/^[.-]+|-+$/g, "");
  return name === usual || name === "" ? usual : `${usual}-${name.replace(/^hakn-/, "")}`;
}
