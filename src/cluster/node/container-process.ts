import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../lib/clock.ts";
import { commandLineOf, containerProcesses } from "./process-table.ts";

/** How a container's program is started. */
export interface ProcessSpec {
  /** The file that holds the shim (see shim.ts). */
  readonly shim: string;
  /** Where the records of this start are kept; made if missing. */
  readonly records: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  /** The descriptor that ends with the supervisor; without one, nobody ends the container when the supervisor dies. */
  readonly lifeline: number | undefined;
  /** Marks all processes of a cluster, so that strays can be found. */
  readonly mark: string;
}

export interface Exit {
  readonly code: number;
  readonly finishedAtMs: number;
}

/** A running container, whichever agent started it. */
export interface ContainerProcess {
  readonly id: string;
  /** By which its processes are known (see process-table.ts). */
  readonly token: string;
  readonly records: string;
  readonly startedAtMs: number;
  /** Process id of the program itself; undefined for the first moments. */
  pid(): number | undefined;
  readonly exited: Promise<Exit>;
  /** Signals the program alone, as a container runtime does. */
  signal(name: "SIGTERM"): void;
  /** Ends the program and all that it started. */
  kill(): void;
}

interface StartRecord {
  readonly token: string;
  readonly startedAtMs: number;
}

/** Starts a container. Rejects when not even a shell can be started. */
export function startProcess(spec: ProcessSpec, clock: Clock): Promise<ContainerProcess> {
  const { records, lifeline } = spec;
  const token = `${spec.mark}.${randomBytes(16).toString("hex")}`;
  const startedAtMs = clock.now();
  mkdirSync(records, { recursive: true });
  writeFileSync(join(records, "log"), "", { flag: "a" });
  writeFileSync(join(records, "start"), JSON.stringify({ token, startedAtMs } satisfies StartRecord));
  const watched = lifeline === undefined ? "no" : "yes";
  const args = [spec.shim, token, records, spec.workingDir, watched, ...spec.command];
  const shim = spawn("/bin/sh", args, {
    cwd: "/",
    env: { ...spec.env },
    stdio: ["ignore", "ignore", "ignore", lifeline ?? "ignore"],
    detached: true,
  });
  return new Promise((resolve, reject) => {
    shim.once("error", reject);
    shim.once("spawn", () => {
      const exited = new Promise<Exit>((settle) => {
        shim.once("exit", () => settle(exitOf(records, token, clock)));
      });
      resolve(makeProcess(records, token, startedAtMs, shim.pid!, exited));
    });
  });
}

/** How often a container that another agent started is looked at: its end is not announced to us. */
const adoptedPollMs = 100;

/** What became of an earlier start: still running (and ours again), ended, or never begun. */
export function adoptProcess(
  records: string,
  clock: Clock,
):
  | { readonly running: ContainerProcess }
  | { readonly exit: Exit; readonly startedAtMs: number; readonly id: string }
  | undefined {
  const start = readRecord(records);
  if (!start) return undefined;
  const shimPid = readNumber(join(records, "shim"));
  if (shimPid === undefined || !isShim(shimPid, start.token)) {
    return { exit: exitOf(records, start.token, clock), startedAtMs: start.startedAtMs, id: idOf(start.token) };
  }
  const exited = (async () => {
    while (isShim(shimPid, start.token)) await clock.sleep(adoptedPollMs);
    return exitOf(records, start.token, clock);
  })();
  return { running: makeProcess(records, start.token, start.startedAtMs, shimPid, exited) };
}

function makeProcess(
  records: string,
  token: string,
  startedAtMs: number,
  shimPid: number,
  exited: Promise<Exit>,
): ContainerProcess {
  const pid = () => readNumber(join(records, "pid"));
  return {
    id: idOf(token),
    token,
    records,
    startedAtMs,
    pid,
    exited,
    signal(name) {
      const program = pid();
      // The shim's command line holds the token: without it, the number may by now be somebody else's.
      if (program !== undefined && isShim(shimPid, token)) sendSignal(program, name);
    },
    kill() {
      if (isShim(shimPid, token)) sendSignal(-shimPid, "SIGKILL");
      // What left the group: the shim, which would have ended it, is no more.
      killContainers(token, () => true);
    },
  };
}

/** How the API names one start of a container: by the random part of its token. */
function idOf(token: string): string {
  return `process://${token.slice(token.lastIndexOf(".") + 1)}`;
}

function isShim(pid: number, token: string): boolean {
  return commandLineOf(pid)?.includes(token) ?? false;
}

function exitOf(records: string, token: string, clock: Clock): Exit {
  const file = join(records, "exit");
  const code = readNumber(file);
  if (code === undefined) {
    // The shim was killed: it could neither write the code down nor take the program with it.
    for (const stray of containerProcesses(token)) sendSignal(stray.pid, "SIGKILL");
    return { code: 137, finishedAtMs: clock.now() };
  }
  return { code, finishedAtMs: Math.round(statSync(file).mtimeMs) };
}

function readRecord(records: string): StartRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(records, "start"), "utf8")) as StartRecord;
  } catch {
    return undefined;
  }
}

function readNumber(file: string): number | undefined {
  try {
    const text = readFileSync(file, "utf8").trim();
    return /^\d+$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}

/** Kills the processes of all containers whose tokens begin with `prefix` and that `meant` picks, with their groups. */
export function killContainers(prefix: string, meant: (token: string) => boolean): void {
  for (const { pid, token } of containerProcesses(prefix)) {
    if (!meant(token)) continue;
    sendSignal(-pid, "SIGKILL");
    sendSignal(pid, "SIGKILL");
  }
}

/** A process that is gone already needs no signal; one that has become somebody else's gets none. */
export function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}
