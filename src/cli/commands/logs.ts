import type { Command } from "commander";
import { lineCount } from "../arguments.ts";
import type { CommandContext } from "../program.ts";

interface Options {
  dataDir: string;
  namespace: string;
  container?: string;
  follow?: boolean;
  tail?: number;
  json?: boolean;
}

/** `hakn logs NAME`: the log lines of a Service's pods. */
export function addLogs(program: Command, { actions, terminal }: CommandContext): void {
  program
    .command("logs")
    .argument("<name>", "the Service")
    .description("print the logs of all pods of a Service")
    .option("-n, --namespace <namespace>", "the Service's namespace", "default")
    .option("-c, --container <name>", "one container only, such as queue-proxy (the program's own unless given)")
    .option("-f, --follow", "go on until Ctrl-C")
    .option("--tail <lines>", "only the last lines of each pod", lineCount)
    .option("--json", "print each line as JSON: {pod, container, line}")
    .option("--data-dir <dir>", "the cluster's directory", actions.defaultDataDir())
    .addHelpText(
      "after",
      "\nExamples:\n  hakn logs hello\n  hakn logs hello -f --tail 10\n  hakn logs hello -c queue-proxy",
    )
    .action((name: string, options: Options) =>
      actions.logs(
        {
          dataDir: options.dataDir,
          name,
          namespace: options.namespace,
          container: options.container,
          follow: options.follow ?? false,
          tail: options.tail,
        },
        ({ pod, container, line, alone }) => {
          const text = options.json ? JSON.stringify({ pod, container, line }) : alone ? line : `[${pod}] ${line}`;
          terminal.print(`${text}\n`);
        },
      ),
    );
}
