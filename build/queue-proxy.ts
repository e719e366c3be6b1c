import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const source = `${root}src/main/queue-proxy.ts`;

/**
 * The Bun runtime of this project's node_modules, or undefined where it is not installed (it is optional). Its install
 * script moves it to `.bin`; where such scripts are not run, it stays in the package of its platform.
 */
export function findBun(): string | undefined {
  const platform = `${process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}`;
  return [`@oven/bun-${platform}/bin/bun`, ".bin/bun"]
    .map((path) => `${root}node_modules/${path}`)
    .find((path) => existsSync(path));
}

/** Compiles the queue-proxy with Bun to one executable that needs nothing else. Rejects when Bun refuses. */
export async function compileQueueProxy(bun: string, outfile: string): Promise<void> {
  const options = ["--compile", "--bytecode", "--minify", "--target=bun", "--format=cjs"];
  // A heap that is collected early: half the private memory, at no measurable cost for a proxy that keeps next to nothing.
  options.push("--compile-exec-argv=--smol");
  // What lies in the working directory must not change the program.
  options.push("--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig");
  await promisify(execFile)(bun, ["build", source, ...options, `--outfile=${outfile}`]);
}
