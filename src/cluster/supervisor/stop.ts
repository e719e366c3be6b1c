import { rmSync } from "node:fs";
import type { Clock } from "../../lib/clock.ts";
import { findDataDirectory, runningSupervisor } from "./data-directory.ts";

const stopTimeoutMs = 60_000;

/** Stops the cluster of a directory from another process; false when none was running. */
export async function stopCluster(dataDir: string, clock: Clock): Promise<boolean> {
  const directory = findDataDirectory(dataDir);
  const pid = runningSupervisor(directory);
  if (pid === undefined) return false;
  process.kill(pid, "SIGTERM");
  const deadline = clock.monotonic() + stopTimeoutMs;
  while (runningSupervisor(directory) !== undefined) {
    if (clock.monotonic() > deadline) throw new Error(`process ${pid} does not end: kill -9 ${pid} ends it by force`);
    await clock.sleep(50);
  }
  return true;
}

/** Deletes a stopped cluster's state for good. Refuses a directory that holds no cluster. */
export function purgeCluster(dataDir: string): void {
  if (findDataDirectory(dataDir).readState() === undefined) {
    throw new Error(`${dataDir} holds no cluster: nothing is deleted`);
  }
  rmSync(dataDir, { recursive: true, force: true });
}
