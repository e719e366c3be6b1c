import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeCrdManifests } from "./crds.ts";

/**
 * `npm run generate`: writes the files of the repository that are made from others. With `--check` it writes nothing
 * and fails when one of them is stale.
 */
const root = join(import.meta.dirname, "..");
const check = process.argv.includes("--check");
const files = makeCrdManifests();
const stale: string[] = [];

for (const [path, text] of files) {
  if (read(path) === text) continue;
  stale.push(path);
  if (check) continue;
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
for (const name of list("manifests/crds")) {
  const path = `manifests/crds/${name}`;
  if (files.has(path)) continue;
  stale.push(path);
  if (!check) rmSync(join(root, path));
}

if (check && stale.length > 0) {
  console.error(`stale, run \`npm run generate\`:\n${stale.map((path) => `  ${path}`).join("\n")}`);
  process.exitCode = 1;
} else if (!check) {
  console.log(stale.length === 0 ? "nothing to do" : `wrote ${stale.length} files`);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch {
    return undefined;
  }
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(join(root, path));
  } catch {
    return [];
  }
}
