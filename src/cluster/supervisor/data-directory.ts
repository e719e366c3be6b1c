import { mkdirSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { causesOf } from "../../lib/error-message.ts";

/** What a cluster keeps in its directory, and where. */
export interface DataDirectory {
  readonly path: string;
  readonly kubeconfig: string;
  /** The directory of one of its parts, made when first asked for. */
  part(name: "api" | "node" | "registry" | "logs"): string;
  readState(): ClusterState | undefined;
  writeState(state: ClusterState): void;
  clearRunning(): void;
}

/** What the next start, and other commands, need to know. */
export interface ClusterState {
  /** The supervisor's process while the cluster runs. */
  readonly pid?: number;
  /** When that process started, as the system counts: the number alone may go to another program. Absent without /proc. */
  readonly startTime?: number;
  readonly apiPort: number;
  readonly registryPort: number;
  readonly gatewayPort: number;
  /** The fingerprint of the manifests that were applied last. */
  readonly applied?: string;
}

/** The directory cannot be used; the message says which and why. */
export class DataDirectoryError extends Error {}

/** With less than this left, SQLite cannot count on the next page. */
const leastFreeBytes = 64 * 1024;

/** What to tell of an error: that the disk is full where it is, or was when it came about; else the error itself. */
export function explainFullDisk(error: unknown, path: string): unknown {
  if (error instanceof DataDirectoryError) return error;
  return tellsOfFullDisk(error) || isDiskFull(path) ? fullDisk(path, error) : error;
}

/** Throws DataDirectoryError when the disk that `path` is on is full. */
export function requireSpace(path: string): void {
  if (isDiskFull(path)) throw fullDisk(path);
}

function fullDisk(path: string, cause?: unknown): DataDirectoryError {
  return new DataDirectoryError(
    `the disk of the data directory ${path} is full: free some space, or have the cluster in another with --data-dir`,
    { cause },
  );
}

function isDiskFull(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize < leastFreeBytes;
  } catch {
    // Gone, or of a kind that does not tell.
    return false;
  }
}

/** Whether an error, or what it was caused by, came from a write to a full disk; SQLite says so in words of its own. */
function tellsOfFullDisk(error: unknown): boolean {
  return [error, ...causesOf(error)].some(
    (cause) =>
      cause instanceof Error &&
      ((cause as NodeJS.ErrnoException).code === "ENOSPC" || /\bdisk is full\b/.test(cause.message)),
  );
}

/** Opens (and makes) a cluster's directory. Throws DataDirectoryError when it cannot be written to. */
export function openDataDirectory(path: string): DataDirectory {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    // Named by the process: several commands may try the directory at once.
    const probe = join(path, `.writable-${process.pid}`);
    writeFileSync(probe, "");
    rmSync(probe);
  } catch (error) {
    throw new DataDirectoryError(
      `the data directory ${path} cannot be written to (${(error as NodeJS.ErrnoException).code}): ` +
        "choose another with --data-dir, or make it writable",
      { cause: error },
    );
  }
  return findDataDirectory(path);
}

/** A cluster's directory for those who only look: nothing is made, and there may be none. */
export function findDataDirectory(path: string): DataDirectory {
  const stateFile = join(path, "cluster.json");
  // Throws DataDirectoryError when it belongs to somebody else.
  const readState = (): ClusterState | undefined => {
    try {
      return JSON.parse(readFileSync(stateFile, "utf8")) as ClusterState;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EACCES" || code === "EPERM") {
        throw new DataDirectoryError(
          `the data directory ${path} cannot be read (${code}): it belongs to another user, so use one of your own ` +
            "with --data-dir",
          { cause: error },
        );
      }
      // None yet, or what is in it is no state: the cluster finds its ports anew.
      return undefined;
    }
  };
  // Replaced in one step, since other commands read it at any time.
  const writeState = (state: ClusterState) => {
    try {
      writeFileSync(`${stateFile}.new`, `${JSON.stringify(state, null, 2)}\n`);
      renameSync(`${stateFile}.new`, stateFile);
    } catch (error) {
      throw explainFullDisk(error, path);
    }
  };
  return {
    path,
    kubeconfig: join(path, "kubeconfig"),
    part(name) {
      const directory = join(path, name);
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      return directory;
    },
    readState,
    writeState,
    clearRunning() {
      const state = readState();
      if (!state) return;
      const { pid: _, startTime: __, ...rest } = state;
      writeState(rest);
    },
  };
}

/** The process that runs the cluster of this directory, if one does. */
export function runningSupervisor(directory: Pick<DataDirectory, "readState">): number | undefined {
  const { pid, startTime } = directory.readState() ?? {};
  if (pid === undefined) return undefined;
  if (startTime !== undefined) return startTimeOf(pid) === startTime ? pid : undefined;
  try {
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined;
  }
}

/** When a process started, in the system's ticks since it came up; undefined without such a process, or without /proc. */
export function startTimeOf(pid: number): number | undefined {
  try {
    // The second field, the program's name, may hold anything; the 22nd is the time.
    const [, fields = ""] = /^.*\)(.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, "latin1")) ?? [];
    return Number(fields.trim().split(" ")[19]);
  } catch {
    return undefined;
  }
}
