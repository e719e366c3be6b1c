import { CommanderError } from "commander";
import { UserError } from "../cli/errors.ts";
import { createProgram, exitCodeOf } from "../cli/program.ts";
import { createTerminal } from "../cli/terminal.ts";
import { DataDirectoryError } from "../cluster/supervisor/data-directory.ts";
import { PortTakenError } from "../cluster/supervisor/ports.ts";
import { AlreadyRunningError } from "../cluster/supervisor/supervisor.ts";
import { causesOf } from "../lib/error-message.ts";
import { createActions } from "./actions.ts";
import { packageVersion } from "./package.ts";
import { ensureRuntime } from "./runtime.ts";

ensureRuntime();

const version = packageVersion();
endWithReader();
const terminal = createTerminal(process.stdout, process.stderr);

try {
  await createProgram({ actions: createActions(version), terminal }, version).parseAsync(process.argv);
} catch (error) {
  process.exitCode = exitCodeOf(error);
  if (!(error instanceof CommanderError)) terminal.warn(`${terminal.bad("error:")} ${describe(error)}\n`);
}

/**
 * Who reads our output may leave early, as `head` does, or close the terminal: what was asked for is then over, and the
 * cluster stops in order.
 */
function endWithReader(): void {
  let left = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
      if (left) return;
      left = true;
      if (!process.emit("SIGTERM", "SIGTERM")) process.exit();
    });
  }
}

/** What the user can mend is told plainly; anything else is our fault, and whoever looks into it needs the stack. */
function describe(error: unknown): string {
  const expected = [UserError, DataDirectoryError, PortTakenError, AlreadyRunningError];
  if (expected.some((kind) => error instanceof kind)) return (error as Error).message;
  if (!(error instanceof Error)) return String(error);
  const causes = causesOf(error).map(({ message }) => `  because: ${message}`);
  return [error.message, ...causes, ...(process.env["HAKN_DEBUG"] ? [error.stack ?? ""] : [])].join("\n");
}
