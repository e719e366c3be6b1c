import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Duplex, Readable } from "node:stream";
import type { Clock } from "../../lib/clock.ts";
import { messageOf } from "../../lib/error-message.ts";
import {
  type ExecChannel,
  type ExecResult,
  execChannels,
  execFrame,
  execMessage,
  readExecFrames,
  type TerminalSize,
} from "../exec-frames.ts";
import { writeTo } from "../write-to.ts";
import { sendSignal } from "./container-process.ts";
import { StartError } from "./find-program.ts";
import { tokenVariable } from "./process-table.ts";
import type { Launch } from "./start-container.ts";

/** A container that runs, and the token by which its processes are known. */
export interface RunningContainer {
  readonly launch: Launch;
  readonly token: string;
}

export interface ExecOptions {
  readonly command: readonly string[];
  readonly input: boolean;
  readonly terminal: boolean;
}

/** What a command has left running may hold its output open; nobody waits longer for it than this. */
const outputPatienceMs = 500;

/**
 * Runs a command beside a container's program, with its environment and working directory, for `kubectl exec`; the frames on
 * `connection` are its input and output (see exec-frames.ts). It ends with the connection, and with the container.
 */
export async function runExecSession(
  connection: Duplex,
  container: RunningContainer,
  options: ExecOptions,
  clock: Clock,
): Promise<void> {
  const frames = readExecFrames(connection as AsyncIterable<Buffer>);
  let result: ExecResult;
  try {
    const size = options.terminal ? await firstSize(frames) : undefined;
    const child = start(container, options, size);
    const ended = endOf(child, clock);
    const kill = () => child.pid !== undefined && sendSignal(-child.pid, "SIGKILL");
    connection.once("close", kill);
    // The API server ends its side, or breaks it, only when the client has gone, or knows the result.
    void passInput(frames, child)
      .catch(() => {})
      .then(() => connection.destroy());
    const outputs = [
      passOutput(child.stdout!, execChannels.output, connection),
      passOutput(child.stderr!, execChannels.errors, connection),
    ];
    result = await ended;
    await Promise.all(outputs);
    connection.off("close", kill);
  } catch (error) {
    result = { failure: messageOf(error) };
  }
  await writeTo(connection, execMessage(execChannels.result, result));
  connection.end();
}

/** A session with a terminal begins with its size, or null. */
async function firstSize(frames: ReturnType<typeof readExecFrames>): Promise<TerminalSize | undefined> {
  const { value } = await frames.next();
  return value ? (JSON.parse(String(value.bytes)) ?? undefined) : undefined;
}

function start({ launch, token }: RunningContainer, options: ExecOptions, size: TerminalSize | undefined) {
  const words = launch.commandLine(options.command);
  const [file, ...args] = options.terminal ? inTerminal(words, size, launch) : words;
  return spawn(file!, args, {
    cwd: launch.workingDir,
    env: { ...(options.terminal && { TERM: "xterm" }), ...launch.env, [tokenVariable]: token },
    stdio: [options.input ? "pipe" : "ignore", "pipe", "pipe"],
    detached: true,
  });
}

/** Node has no terminals of its own: `script` gives the command one, of the client's first size. Without it there is none. */
function inTerminal(words: readonly string[], size: TerminalSize | undefined, launch: Launch): readonly string[] {
  const line = `exec ${words.map(quoted).join(" ")}`;
  const sized = size ? `stty rows ${size.rows} cols ${size.columns} 2>/dev/null; ${line}` : line;
  try {
    return process.platform === "darwin"
      ? launch.commandLine(["script", "-q", "/dev/null", "/bin/sh", "-c", sized])
      : launch.commandLine(["script", "-q", "-e", "-c", sized, "/dev/null"]);
  } catch (error) {
    if (error instanceof StartError) return words;
    throw error;
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Settles with the exit code once the output has been read, too. */
function endOf(child: ChildProcess, clock: Clock): Promise<ExecResult> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ failure: messageOf(error) }));
    child.once("exit", (code, signal) => {
      const result = { exitCode: code ?? 128 + (signal ? constants.signals[signal] : 0) };
      const cancel = clock.setTimer(outputPatienceMs, () => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      });
      child.once("close", () => {
        cancel();
        resolve(result);
      });
    });
  });
}

async function passInput(frames: ReturnType<typeof readExecFrames>, child: ChildProcess): Promise<void> {
  const { stdin } = child;
  // A command need not read all that it is given.
  stdin?.on("error", () => {});
  for await (const { channel, bytes } of frames) {
    if (channel !== execChannels.input || !stdin) continue;
    if (bytes.length === 0) stdin.end();
    else await writeTo(stdin, bytes);
  }
}

async function passOutput(from: Readable, channel: ExecChannel, connection: Duplex): Promise<void> {
  try {
    for await (const chunk of from as AsyncIterable<Buffer>) await writeTo(connection, execFrame(channel, chunk));
  } catch (error) {
    // Cut off: what it has left running holds it open.
    if (!from.destroyed) throw error;
  }
}
