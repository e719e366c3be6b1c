import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const oldest = [22, 18] as const;

/** How Node runs what may have much to do: it collects early, and keeps less for speed. */
export const busyNode = [process.execPath, "--optimize-for-size"] as const;
/** How Node runs what has little to do: without compilers, which take a third more CPU and 13 MB less memory each. */
export const quietNode = [process.execPath, "--lite-mode"] as const;

/**
 * Goes on in the Node that came along with our packages when this one is too old; the program then ends here. Without
 * such a Node it says what is needed.
 */
export function ensureRuntime(): void {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return;
  const node = fileURLToPath(new URL("../../node_modules/node/bin/node", import.meta.url));
  if (!existsSync(node)) {
    process.stderr.write(
      `hakn needs Node ${oldest.join(".")} or later, and this is ${process.version}: ` +
        "install a newer one, or run `npm ci` in hakn's directory, which brings one along\n",
    );
    process.exit(2);
  }
  // Ctrl-C reaches both of us; the other one decides when it is over.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
  const { status } = spawnSync(node, [...process.execArgv, ...process.argv.slice(1)], { stdio: "inherit" });
  process.exit(status ?? 1);
}
