import { spawn } from "node:child_process";
import type { Clock } from "../../lib/clock.ts";
import { sendSignal } from "./container-process.ts";
import { deadlineAfter } from "./deadline.ts";

export interface ExecSpec {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

const maxOutput = 10 * 1024;

/** Runs a command to its end, as a probe or hook does; after the timeout its process group is killed and it has failed. */
export function execCommand(spec: ExecSpec): Promise<{ readonly code: number; readonly output: string }> {
  const { command, env, workingDir, timeoutMs, clock } = spec;
  return new Promise((resolve) => {
    const child = spawn(command[0] ?? "", command.slice(1), {
      cwd: workingDir,
      env: { ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let output = "";
    const collect = (chunk: Buffer) => {
      if (output.length < maxOutput) output = (output + chunk.toString()).slice(0, maxOutput);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    const deadline = deadlineAfter(timeoutMs, clock);
    const kill = () => {
      if (child.pid !== undefined) sendSignal(-child.pid, "SIGKILL");
      resolve({ code: -1, output: `command timed out: "${command.join(" ")}" timed out after ${timeoutMs / 1000}s` });
    };
    deadline.signal.addEventListener("abort", kill, { once: true });
    const finish = (code: number, text: string) => {
      deadline.cancel();
      resolve({ code, output: text });
    };
    child.once("error", (error) => finish(-1, error.message));
    child.once("exit", (code) => {
      // What it left running must not hold its output open.
      if (child.pid !== undefined) sendSignal(-child.pid, "SIGKILL");
      child.once("close", () => finish(code ?? 137, output.trim()));
    });
  });
}
