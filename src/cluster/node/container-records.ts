import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { PodContext } from "./pod-context.ts";

type Place = Pick<PodContext, "directory">;

/** The container's private root, in which its volumes appear. */
export function rootOf(context: Place, container: string): string {
  return join(directoryOf(context, container), "root");
}

/** Where the records and the log of one start are. */
export function recordsOf(context: Place, container: string, attempt: number): string {
  return join(directoryOf(context, container), String(attempt));
}

/** The number of the last start that has records. */
export function lastAttempt(context: Place, container: string): number | undefined {
  const numbers = attemptsIn(directoryOf(context, container));
  return numbers.length > 0 ? Math.max(...numbers) : undefined;
}

/** Only the present and the previous log can be asked for. */
export function dropOldRecords(context: Place, container: string, attempt: number): void {
  for (const old of attemptsIn(directoryOf(context, container))) {
    if (old < attempt - 1) rmSync(recordsOf(context, container, old), { recursive: true, force: true });
  }
}

function directoryOf(context: Place, container: string): string {
  return join(context.directory, "containers", container);
}

function attemptsIn(directory: string): number[] {
  try {
    return readdirSync(directory)
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number);
  } catch {
    return [];
  }
}
