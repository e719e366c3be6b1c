import type { Command } from "commander";
import { seconds, variables } from "../arguments.ts";
import type { CommandContext } from "../program.ts";

interface Options {
  dataDir: string;
  name?: string;
  namespace: string;
  env?: Record<string, string>;
  wait: boolean;
  imageOnly?: boolean;
  timeout: number;
  json?: boolean;
}

/** `hakn deploy DIR`: snapshots a directory as an image and runs it as a Knative Service. */
export function addDeploy(program: Command, { actions, terminal }: CommandContext): void {
  program
    .command("deploy")
    .argument("<directory>", "a Node app (package.json, server.js, index.js or .ts), or a directory with a Procfile")
    .description("run a directory as a Knative Service, or roll a new revision of it out")
    .option("--name <name>", "the Service's name (the directory's name unless given)")
    .option("-n, --namespace <namespace>", "the Service's namespace", "default")
    .option("-e, --env <NAME=VALUE>", "an environment variable of the program (may be repeated)", variables)
    .option("--no-wait", "do not wait until the new revision is ready")
    .option("--image-only", "only make the image, for YAML of your own")
    .option("--timeout <seconds>", "how long to wait", seconds, 120)
    .option("--data-dir <dir>", "the cluster's directory", actions.defaultDataDir())
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  hakn deploy ./app\n  hakn deploy ./app --name shop -e GREETING=hello\n  hakn deploy ./app --image-only",
    )
    .action(async (directory: string, options: Options) => {
      const progress = terminal.progress();
      const deployed = await actions.deploy(
        {
          dataDir: options.dataDir,
          directory,
          name: options.name,
          namespace: options.namespace,
          env: options.env ?? {},
          wait: options.wait,
          timeoutMs: options.timeout * 1000,
          imageOnly: options.imageOnly ?? false,
        },
        progress,
      );
      progress.end();
      if (options.json) terminal.print(`${JSON.stringify(deployed)}\n`);
      else if (options.imageOnly) terminal.print(`${deployed.image}\n`);
      else if (deployed.ready) terminal.print(`${deployed.revision} is ready: ${deployed.url}\n`);
      else terminal.print(`${deployed.name} is being rolled out; watch it with \`hakn status\`.\n`);
    });
}
