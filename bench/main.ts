/** `npm run bench -- NAME [options]`: runs one bench; without a name, tells which there are. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const directory = import.meta.dirname;
const names = readdirSync(directory)
  .filter((file) => file.endsWith(".ts") && file !== "main.ts")
  .map((file) => file.slice(0, -".ts".length));
const [name] = process.argv.splice(2, 1);

if (name !== undefined && names.includes(name)) {
  await import(pathToFileURL(join(directory, `${name}.ts`)).href);
} else {
  console.error(`npm run bench -- NAME [options], where NAME is one of:\n  ${names.join("\n  ")}`);
  process.exitCode = name === undefined ? 0 : 2;
}
