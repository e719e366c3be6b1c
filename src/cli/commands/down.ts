import type { Command } from "commander";
import type { CommandContext } from "../program.ts";

/** `hakn down`: stops a cluster that runs elsewhere, and forgets it if asked to. */
export function addDown(program: Command, { actions, terminal }: CommandContext): void {
  program
    .command("down")
    .description("stop the cluster; its state is kept for the next `hakn up` unless --purge is given")
    .option("--data-dir <dir>", "the cluster's directory", actions.defaultDataDir())
    .option("--purge", "also delete its state")
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExamples:\n  hakn down\n  hakn down --purge")
    .action(async (options: { dataDir: string; purge?: boolean; json?: boolean }) => {
      const { dataDir, purge = false } = options;
      const progress = terminal.progress();
      const stopped = await actions.down({ dataDir, purge }, progress);
      progress.end();
      if (options.json) terminal.print(`${JSON.stringify({ stopped, purged: purge })}\n`);
      else if (!stopped) terminal.print(`No cluster was running in ${dataDir}.\n`);
      else terminal.print("The cluster is stopped.\n");
      if (purge && !options.json) terminal.print(`Its state in ${dataDir} is deleted.\n`);
    });
}
