import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** The command line of a process, its parts joined by spaces; undefined when there is no such process. */
export function commandLineOf(pid: number): string | undefined {
  if (process.platform === "linux") return readCommandLine(pid);
  try {
    return execFileSync("ps", ["-p", String(pid), "-o", "command="], { encoding: "utf8" }).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** The variable by which a process is known to belong to a container, in whatever group it is. */
export const tokenVariable = "HAKN_CONTAINER_TOKEN";

/**
 * The processes that belong to a container whose token begins with `prefix`, with their tokens: shims, by their command
 * lines, and on Linux all that inherited the token.
 */
export function containerProcesses(prefix: string): { readonly pid: number; readonly token: string }[] {
  const tokenIn = (text: string) => {
    const start = text.indexOf(prefix);
    return start < 0 ? undefined : /^[^\s\0]+/.exec(text.slice(start))?.[0];
  };
  if (process.platform !== "linux") {
    const lines = execFileSync("ps", ["-A", "-o", "pid=,command="], { encoding: "utf8" }).split("\n");
    return lines.flatMap((line) => {
      const token = tokenIn(line);
      return token ? [{ pid: Number.parseInt(line, 10), token }] : [];
    });
  }
  const pids = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return pids.flatMap((pid) => {
    if (pid === process.pid) return [];
    const inherited = read(`/proc/${pid}/environ`)
      ?.split("\0")
      .find((entry) => entry.startsWith(`${tokenVariable}=`));
    const token = tokenIn(inherited ?? "") ?? tokenIn(readCommandLine(pid) ?? "");
    return token ? [{ pid, token }] : [];
  });
}

function readCommandLine(pid: number): string | undefined {
  // A zombie has none.
  return read(`/proc/${pid}/cmdline`)?.replaceAll("\0", " ").trim() || undefined;
}

/** Undefined when the process has ended, or belongs to somebody else. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
