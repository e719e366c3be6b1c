import type { Command } from "commander";
import type { Deployed } from "../actions.ts";
import { type CommandContext, portNumber } from "../program.ts";
import { statusLines } from "../status-lines.ts";

interface Options {
  dataDir: string;
  httpPort: number;
  httpsPort?: number;
  deploy: string[];
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
    .option("--deploy <dir>", "deploy this directory once the cluster is up (may be repeated)", collect, [])
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
      const cluster = await actions.up(
        { dataDir: options.dataDir, httpPort: options.httpPort, httpsPort: options.httpsPort },
        progress,
      );
      const interrupted = actions.interrupted();
      try {
        const deployed: Deployed[] = [];
        for (const directory of options.deploy) {
          const deployment = actions.deploy(
            {
              dataDir: options.dataDir,
              directory,
              name: undefined,
              namespace: "default",
              env: {},
              wait: true,
              timeoutMs: 120_000,
              imageOnly: false,
            },
            progress,
          );
          const result = await Promise.race([deployment, interrupted]);
          if (!result) return;
          deployed.push(result);
        }
        progress.end();
        if (options.json) {
          const { kubeconfig, gatewayUrl, registry, version } = cluster;
          terminal.print(`${JSON.stringify({ ready: true, kubeconfig, gatewayUrl, registry, version, deployed })}\n`);
        } else {
          announce(cluster, deployed, terminal);
        }
        let over = false;
        const end = Promise.race([interrupted, cluster.done]).finally(() => {
          over = true;
        });
        while (!over && terminal.interactive && !options.json) {
          terminal.live(["", ...statusLines(await cluster.status(), terminal)]);
          await Promise.race([end, actions.pause(refreshMs)]);
        }
        await end;
      } finally {
        const stopping = terminal.progress();
        await cluster.stop(stopping);
        stopping.end();
        terminal.warn("The cluster is stopped; `hakn up` brings it back as it was.\n");
      }
    });
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
  terminal.print(`  kubectl: export KUBECONFIG=${cluster.kubeconfig}\n`);
  terminal.print(`  stop:    Ctrl-C\n`);
}

function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}
