import type { Command } from "commander";
import type { CommandContext } from "../program.ts";
import { statusLines } from "../status-lines.ts";
import { megabytes, table } from "../terminal.ts";

/** `hakn status`: what runs, and whether the services are ready. Ends with code 1 when no cluster runs or it does not answer. */
export function addStatus(program: Command, { actions, terminal }: CommandContext): void {
  program
    .command("status")
    .description("show the cluster's processes and services")
    .option("--data-dir <dir>", "the cluster's directory", actions.defaultDataDir())
    .option("--json", "print the state as JSON")
    .addHelpText("after", "\nExamples:\n  hakn status\n  hakn status --json | jq .services")
    .action(async (options: { dataDir: string; json?: boolean }) => {
      const status = await actions.status(options);
      if (!status.running || status.problem) actions.fail();
      if (options.json) {
        terminal.print(`${JSON.stringify(status)}\n`);
      } else if (!status.running) {
        terminal.print(`No cluster is running in ${status.dataDir}. Start one with \`hakn up\`.\n`);
      } else {
        const processes = table([
          ["PROCESS", "PID", "RSS", "PSS", "RESTARTS"],
          ...status.processes.map(({ name, pid, residentBytes, proportionalBytes = 0, restarts }) => [
            name,
            String(pid),
            ...[residentBytes, proportionalBytes].map((bytes) => (bytes > 0 ? megabytes(bytes) : "?")),
            String(restarts),
          ]),
        ]);
        terminal.print(`gateway     ${status.gatewayUrl}\nkubeconfig  ${status.kubeconfig}\n\n`);
        terminal.print(`${processes.join("\n")}\n\n${statusLines(status, terminal).join("\n")}\n`);
      }
    });
}
