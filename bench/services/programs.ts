import { type ChildProcess, spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";

const ticksPerSecond = 100;

/** A process under measurement. */
export interface Program {
  readonly name: string;
  /** Processor time so far. */
  cpuSeconds(): number;
  /** The most memory that was resident at a time. */
  peakMiB(): number;
  stop(): Promise<void>;
}

/** Starts a program with its output in a file. When it ends before `stop`, `onEnd` is told. */
export function startProgram(
  name: string,
  command: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  logFile: string,
  onEnd: (error: Error) => void,
): Program {
  const output = openSync(logFile, "a");
  const [file, ...args] = command;
  const child = spawn(file, args, { env: { PATH: process.env["PATH"], ...env }, stdio: ["ignore", output, output] });
  let stopping = false;
  child.once("error", onEnd);
  child.once("exit", (code) => {
    if (!stopping) onEnd(new Error(`${name} ended with code ${code}; its log: ${logFile}`));
  });
  return {
    name,
    cpuSeconds: () => cpuSecondsOf(child),
    peakMiB: () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) / 1024,
    stop() {
      stopping = true;
      return ended(child);
    },
  };
}

function cpuSecondsOf(child: ChildProcess): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ").at(-1)!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}
