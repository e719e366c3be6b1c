import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const source = `${root}src/main/queue-proxy.ts`;

/** The Bun runtime of this project's node_modules, or undefined where it is not installed (it is optional). */
export function findBun(): string | undefined {
  const path = `${root}node_modules/.bin/bun`;
  return existsSync(path) ? path : undefined;
}

/** Compiles the queue-proxy with Bun to one executable that needs nothing else. Throws when Bun refuses. */
export function compileQueueProxy(bun: string, outfile: string): void {
  const options = ["--compile", "--bytecode", "--minify", "--target=bun", "--format=cjs"];
  execFileSync(bun, ["build", source, ...options, `--outfile=${outfile}`], { stdio: ["ignore", "ignore", "inherit"] });
}
