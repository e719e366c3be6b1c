import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Nothing in the directory tells how it is started. */
export class NoStartCommandError extends Error {}

const entryNames = ["server", "index", "main", "app"].flatMap((name) =>
  ["js", "mjs", "cjs", "ts", "mts"].map((extension) => `${name}.${extension}`),
);

/**
 * How the program in a directory is started: the Procfile's `web` line, package.json's scripts.start, its main, or a
 * file with a usual name (server.js, index.ts, ...). Throws NoStartCommandError when there is none of these, and an Error when it is no
 * directory.
 */
export function findStartCommand(directory: string): string[] {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Error(`${directory} is not a directory: give the one that holds your program`);
  }
  const procfile = readIfPresent(join(directory, "Procfile"));
  const web = procfile && /^web\s*:\s*(.+)$/m.exec(procfile)?.[1];
  if (web) return commandLine(web);
  const manifest = readIfPresent(join(directory, "package.json"));
  if (manifest !== undefined) {
    const { scripts, main } = parseManifest(manifest, directory);
    if (scripts?.["start"]) return commandLine(scripts["start"]);
    if (main) return ["node", main];
  }
  const entry = entryNames.find((name) => existsSync(join(directory, name)));
  if (entry) return ["node", entry];
  throw new NoStartCommandError(
    `${directory}: nothing tells how to start it: add a "start" script or "main" to package.json, a server.js, or a Procfile with a line "web: <command>", or give the command`,
  );
}

/** Plain words need no shell: then the program itself gets the signals. */
function commandLine(line: string): string[] {
  const text = line.trim();
  if (/^[\w@%+=:,./ -]+$/.test(text) && !/^\w+=/.test(text)) return text.split(/\s+/);
  return ["/bin/sh", "-c", /^\w+=|[;&|]/.test(text) ? text : `exec ${text}`];
}

function parseManifest(text: string, directory: string): { scripts?: Record<string, string>; main?: string } {
  try {
    return JSON.parse(text) as { scripts?: Record<string, string>; main?: string };
  } catch (error) {
    throw new Error(`${join(directory, "package.json")}: ${(error as Error).message}`, { cause: error });
  }
}

function readIfPresent(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
