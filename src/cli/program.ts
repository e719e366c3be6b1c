import { Command, CommanderError } from "commander";
import type { Actions } from "./actions.ts";
import { addDeploy } from "./commands/deploy.ts";
import { addDown } from "./commands/down.ts";
import { addKubeconfig } from "./commands/kubeconfig.ts";
import { addLogs } from "./commands/logs.ts";
import { addSimulate } from "./commands/simulate.ts";
import { addStatus } from "./commands/status.ts";
import { addUp } from "./commands/up.ts";
import type { Terminal } from "./terminal.ts";

/** What every command gets: the doing (composed by main) and the talking. */
export interface CommandContext {
  readonly actions: Actions;
  readonly terminal: Terminal;
}

/** The `hakn` command line. Throws CommanderError for wrong usage (exit code 2). */
export function createProgram(context: CommandContext, version: string): Command {
  const program = new Command("hakn")
    .description(
      "Knative Serving, highly available by default: on a laptop with only Node, or on Kubernetes with Istio.",
    )
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .showSuggestionAfterError()
    .showHelpAfterError("Run `hakn --help` to see what there is.")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.terminal.print(text),
      writeErr: (text) => context.terminal.warn(text),
    })
    .addHelpText(
      "after",
      `
Examples:
  hakn up                          start a cluster on this machine, in the foreground
  hakn deploy ./app                run a directory as a Knative Service
  eval "$(hakn kubeconfig --env)"  let kubectl and kn talk to it
  hakn down                        stop it

Environment:
  HAKN_HOME      the cluster's directory where --data-dir does not name one (~/.hakn unless set)
  HAKN_LOOPBACK  "shared" lets all pods have 127.0.0.1, "own" never does: see docs/embedded-cluster.md
  HAKN_DEBUG     if it is set, an unexpected error is told with its stack`,
    );
  for (const add of [addUp, addDown, addStatus, addDeploy, addLogs, addKubeconfig, addSimulate]) add(program, context);
  for (const command of program.commands) {
    command.showHelpAfterError(`Run \`hakn ${command.name()} --help\` to see how.`);
  }
  return program;
}

/** The exit code for an error that a command ended with: 2 for wrong usage, 1 for everything else, 0 for help. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return 1;
}
