import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { CancelTimer, Clock } from "../../lib/clock.ts";
import type { Logger } from "../../lib/log.ts";

/** A program that the cluster keeps running. */
export interface ChildSpec {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** Where its output goes, appended. */
  readonly logFile: string;
  /** Called with each message that the program sends over IPC, after every (re)start. */
  readonly onMessage: (message: unknown) => void;
}

export interface Child {
  readonly name: string;
  pid(): number | undefined;
  /** How often it had to be started again. */
  restarts(): number;
  /** Ends it: SIGTERM, and SIGKILL after `graceMs`. Settles when it is gone. */
  stop(graceMs: number): Promise<void>;
}

const firstBackoffMs = 100;
const longestBackoffMs = 5000;
const healthyAfterMs = 10_000;

/**
 * Starts a program and starts it again whenever it ends by itself, at once the first time and ever slower while it keeps
 * failing. File descriptor 3 of the program is a pipe that nobody writes to and that closes when this process is gone,
 * however it ended: what must not outlive the cluster watches it.
 */
export function startChild(spec: ChildSpec, clock: Clock, log: Logger): Child {
  let child: ChildProcess | undefined;
  let restarts = 0;
  let failures = 0;
  let stopping = false;
  let cancelRestart: CancelTimer | undefined;
  let gone = Promise.resolve();

  const start = () => {
    const startedAt = clock.monotonic();
    const output = openSync(spec.logFile, "a");
    const [command, ...args] = spec.command;
    const started = spawn(command, args, {
      env: { ...spec.env },
      stdio: ["ignore", output, output, "pipe", "ipc"],
      detached: true,
    });
    closeSync(output);
    child = started;
    started.on("message", spec.onMessage);
    gone = new Promise((resolve) => {
      started.once("error", (error) => {
        log.error(`${spec.name} cannot be started`, { error });
        resolve();
      });
      started.once("exit", (code, signal) => {
        child = undefined;
        resolve();
        if (stopping) return;
        if (clock.monotonic() - startedAt > healthyAfterMs) failures = 0;
        const delayMs = failures === 0 ? 0 : Math.min(firstBackoffMs * 2 ** failures, longestBackoffMs);
        failures++;
        restarts++;
        log.warn(`${spec.name} ended (${signal ?? `exit code ${code}`}); starting it again`, { delayMs });
        cancelRestart = clock.setTimer(delayMs, start);
      });
    });
  };
  start();

  return {
    name: spec.name,
    pid: () => child?.pid,
    restarts: () => restarts,
    async stop(graceMs) {
      stopping = true;
      cancelRestart?.();
      child?.kill("SIGTERM");
      const cancelKill = clock.setTimer(graceMs, () => child?.kill("SIGKILL"));
      await gone;
      cancelKill();
    },
  };
}
