/** Makes each program one runnable file: `npm run build`. All are bundles for Node, but queue-proxy where Bun is installed. */
import { chmodSync, mkdirSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { nodeFlag } from "../src/main/runtime.ts";
import { lazyBuiltins } from "./lazy-builtins.ts";
import { compileQueueProxy, findBun } from "./queue-proxy.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What people and images run, and (libexec) what the embedded cluster runs for them. */
const programs = {
  "bin/hakn": "src/main/hakn.ts",
  "bin/controlplane": "src/main/controlplane.ts",
  "bin/autoscaler": "src/main/autoscaler.ts",
  "libexec/queue-proxy": "src/main/queue-proxy.ts",
  "libexec/apiserver": "src/main/apiserver.ts",
  "libexec/node-agent": "src/main/node-agent.ts",
};

/** How programs start by themselves: in the Node of the PATH, which for containers is the one that runs the cluster. */
const startInNode = `#!/usr/bin/env -S node ${nodeFlag}`;

/**
 * How the command line starts: as a shell script, in the Node that came along with our packages, whatever the user's own is.
 * For Node the second line is no more than a string. The shell gives its process away, so signals reach the program.
 */
const startInOwnNode = `#!/bin/sh
":" //; self=$(readlink -f -- "$0" 2>&-) || self=$0; node=\${self%/dist/bin/*}/node_modules/node/bin/node; [ -x "$node" ] || node=node; exec "$node" ${nodeFlag} "$self" "$@"`;

// Libraries written for CommonJS ask for Node's own modules by `require`.
const requireForLibraries = `
import { createRequire as __createRequire } from "node:module";
const require = __createRequire(import.meta.url);`;

await Promise.all([
  ...Object.entries(programs).map(([name, source]) => place(name, (outfile) => bundle(source, outfile))),
  place("bin/queue-proxy", makeQueueProxy),
]);

/** The executable that Bun compiles; without Bun, the bundle for Node under the same name. */
async function makeQueueProxy(outfile: string): Promise<void> {
  const bun = findBun();
  try {
    if (bun) return await compileQueueProxy(bun, outfile);
  } catch (error) {
    console.warn(`queue-proxy will run on Node, which takes more memory and CPU: ${(error as Error).message}`);
  }
  await bundle(programs["libexec/queue-proxy"], outfile);
}

/** Whoever starts the program meanwhile gets the old one or the new one, never a part. */
async function place(name: string, make: (outfile: string) => Promise<void>): Promise<void> {
  const outfile = `${root}dist/${name}`;
  mkdirSync(dirname(outfile), { recursive: true });
  await make(`${outfile}.new`);
  chmodSync(`${outfile}.new`, 0o755);
  renameSync(`${outfile}.new`, outfile);
}

async function bundle(source: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [`${root}${source}`],
    outfile,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    banner: { js: (outfile.includes("/bin/hakn") ? startInOwnNode : startInNode) + requireForLibraries },
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    legalComments: "none",
    logLevel: "warning",
    plugins: [lazyBuiltins],
  });
}
