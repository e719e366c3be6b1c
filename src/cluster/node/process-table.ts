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

/** The ids of all processes whose command line contains `text`. */
export function processesWith(text: string): number[] {
  if (process.platform === "linux") {
    const pids = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
    return pids.filter((pid) => pid !== process.pid && readCommandLine(pid)?.includes(text));
  }
  const lines = execFileSync("ps", ["-A", "-o", "pid=,command="], { encoding: "utf8" }).split("\n");
  return lines.filter((line) => line.includes(text)).map((line) => Number.parseInt(line, 10));
}

function readCommandLine(pid: number): string | undefined {
  try {
    // A zombie has none.
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim() || undefined;
  } catch {
    return undefined;
  }
}
