import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The directory of the package: two levels up from src/main, dist/bin and dist/libexec alike. */
export const packageRoot = fileURLToPath(new URL("../../", import.meta.url));

/** The package's version, such as "0.1.0". */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(`${packageRoot}package.json`, "utf8")) as { version: string };
  return version;
}
