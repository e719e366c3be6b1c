import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { Container } from "../../apis/core/pod-spec.ts";

const maxMessage = 4096;
const maxLogBytes = 2048;
const maxLogLines = 80;

/** The last words of a container: what it wrote to its termination message file, or, where told, the end of its log. */
export function terminationMessage(container: Container, exitCode: number, root: string, logFile: string): string {
  const path = container.terminationMessagePath || "/dev/termination-log";
  const written = readEnd(join(root, path), maxMessage);
  if (written !== "" || container.terminationMessagePolicy !== "FallbackToLogsOnError" || exitCode === 0)
    return written;
  const lines = readEnd(logFile, maxLogBytes).split("\n");
  return lines.slice(-maxLogLines - 1).join("\n");
}

function readEnd(path: string, limit: number): string {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return "";
  }
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, limit));
    readSync(file, buffer, 0, buffer.length, Math.max(0, size - limit));
    return buffer.toString();
  } finally {
    closeSync(file);
  }
}
