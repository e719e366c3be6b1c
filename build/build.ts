/** Bundles each program into one runnable file: `npm run build`. */
import { chmodSync, mkdirSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What people and images run, and (libexec) what the embedded cluster runs for them. */
const programs = {
  "bin/hakn": "src/main/hakn.ts",
  "bin/controlplane": "src/main/controlplane.ts",
  "bin/autoscaler": "src/main/autoscaler.ts",
  "bin/queue-proxy": "src/main/queue-proxy.ts",
  "libexec/apiserver": "src/main/apiserver.ts",
  "libexec/node-agent": "src/main/node-agent.ts",
};

// Libraries written for CommonJS ask for Node's own modules by `require`.
// A small young generation: these programs hold little and should stay small.
const banner = `#!/usr/bin/env -S node --max-semi-space-size=1
import { createRequire as __createRequire } from "node:module";
const require = __createRequire(import.meta.url);`;

await Promise.all(
  Object.entries(programs).map(async ([name, source]) => {
    const outfile = `${root}dist/${name}`;
    mkdirSync(dirname(outfile), { recursive: true });
    await build({
      entryPoints: [`${root}${source}`],
      outfile: `${outfile}.new`,
      bundle: true,
      platform: "node",
      target: "node24",
      format: "esm",
      banner: { js: banner },
      minifySyntax: true,
      minifyWhitespace: true,
      keepNames: true,
      legalComments: "none",
      logLevel: "warning",
    });
    chmodSync(`${outfile}.new`, 0o755);
    // Whoever starts the program meanwhile gets the old one or the new one, never a part.
    renameSync(`${outfile}.new`, outfile);
  }),
);
