import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import type { CommandContext } from "../program.ts";
import { shellWord } from "../shell-word.ts";

/** `hakn kubeconfig`: how kubectl, kn and other clients reach the cluster. */
export function addKubeconfig(program: Command, { actions, terminal }: CommandContext): void {
  program
    .command("kubeconfig")
    .description("print the cluster's kubeconfig")
    .option("--path", "print only where the file is")
    .option("--env", "print a line for the shell that sets KUBECONFIG")
    .option("--json", "print where the file is as JSON")
    .option("--data-dir <dir>", "the cluster's directory", actions.defaultDataDir())
    .addHelpText(
      "after",
      '\nExamples:\n  eval "$(hakn kubeconfig --env)"\n  kubectl --kubeconfig "$(hakn kubeconfig --path)" get ksvc',
    )
    .action(async (options: { dataDir: string; path?: boolean; env?: boolean; json?: boolean }) => {
      const path = await actions.kubeconfigPath(options);
      if (options.env) terminal.print(`export KUBECONFIG=${shellWord(path)}\n`);
      else if (options.json) terminal.print(`${JSON.stringify({ kubeconfig: path })}\n`);
      else if (options.path) terminal.print(`${path}\n`);
      else terminal.print(await readFile(path, "utf8"));
    });
}
