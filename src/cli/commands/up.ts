import type { Command } from "commander";
import { untilAborted } from "../../lib/until-aborted.ts";
import type { Deployed, DeployOptions, RunningCluster } from "../actions.ts";
import { portNumber, repeated } from "../arguments.ts";
import type { CommandContext } from "../program.ts";
import { shellWord } from "../shell-word.ts";
import { statusLines } from "../status-lines.ts";

interface Options {
  dataDir: string;
  httpPort: number;
  httpsPort?: number;
  deploy?: string[];
  json?: boolean;
}

const refreshMs = 1000;

/** `hakn up`: a cluster in the foreground, until Ctrl-C. */
export function addUp(program: Command, { actions, terminal }: CommandContext): void {
  program
    .command("up")
    .description("start a Knative cluster on this machine and stay in the foreground; Ctrl-C stops it")
    .option("--data-dir <dir>", "where the cluster keeps its state", actions.defaultDataDir())
    .option("--http-port <port>", "where services are reached", portNumber, 8080)
    .option("--https-port <port>", "where services are reached by TLS (off unless given)", portNumber)
    .option("--deploy <dir>", "deploy this directory once the cluster is up (may be repeated)", repeated)
    .option("--json", "print one line of JSON when the cluster is ready")
    .addHelpText(
      "after",
      `
Examples:
  hakn up
  hakn up --deploy ./app --http-port 9000
  hakn up --data-dir /tmp/try --json > ready.json &`,
    )
    .action(async (options: Options) => {
      const progress = terminal.progress();
      const interrupted = actions.interrupted();
      const { dataDir, httpPort, httpsPort } = options;
      let cluster: RunningCluster;
      try {
        cluster = await actions.up({ dataDir, httpPort, httpsPort }, progress, interrupted);
      } catch (error) {
        progress.end();
        if (!interrupted.aborted) throw error;
        terminal.warn("The start was given up; nothing is left running.\n");
        return actions.fail();
      }
      try {
        const deployed: Deployed[] = [];
        for (const directory of options.deploy ?? []) {
          deployed.push(await actions.deploy(deployment(dataDir, directory), progress, interrupted));
        }
        progress.end();
        if (options.json) {
          const { kubeconfig, gatewayUrl, registry, version } = cluster;
          terminal.print(`${JSON.stringify({ ready: true, kubeconfig, gatewayUrl, registry, version, deployed })}\n`);
        } else {
          announce(cluster, deployed, terminal);
        }
        while (terminal.interactive && !options.json) {
          terminal.live(["", ...statusLines(await cluster.status(), terminal)]);
          await actions.pause(refreshMs, interrupted);
        }
        await untilAborted(interrupted);
      } catch (error) {
        progress.end();
        if (!interrupted.aborted) throw error;
      } finally {
        const stopping = terminal.progress();
        await cluster.stop(stopping);
        stopping.end();
        terminal.warn("The cluster is stopped; `hakn up` brings it back as it was.\n");
      }
    });
}

function deployment(dataDir: string, directory: string): DeployOptions {
  return {
    dataDir,
    directory,
    name: undefined,
    namespace: "default",
    env: {},
    wait: true,
    timeoutMs: 120_000,
    imageOnly: false,
  };
}

function announce(
  cluster: { readonly kubeconfig: string; readonly gatewayUrl: string },
  deployed: readonly Deployed[],
  terminal: CommandContext["terminal"],
): void {
  terminal.print(`${terminal.good("Knative is ready.")} Services are reached at ${cluster.gatewayUrl}\n\n`);
  for (const service of deployed) {
    terminal.print(`  ${service.name}:  ${service.url}\n  try it:  curl ${service.url}\n\n`);
  }
  terminal.print(`  kubectl: export KUBECONFIG=${shellWord(cluster.kubeconfig)}\n`);
  terminal.print(`  stop:    Ctrl-C\n`);
}
