/** The embedded cluster's node: runs pods as local processes. A process of the supervisor, which holds its lifeline. */
import { fstatSync } from "node:fs";
import { join } from "node:path";
import { startNodeAgent } from "../cluster/node/agent.ts";
import { loopbackMode } from "../cluster/shared-loopback.ts";
import { createClient } from "../kube/client.ts";
import { loadKubeconfig } from "../kube/kubeconfig.ts";
import { systemClock } from "../lib/clock.ts";
import { createLogger } from "../lib/log.ts";
import { fromSupervisor } from "./environment.ts";
import { packageVersion } from "./package.ts";

/** The supervisor's end of this descriptor closes when the supervisor is gone. We never read from it: containers do. */
const lifeline = 3;

const clock = systemClock;
const log = createLogger("node-agent");
const client = createClient({
  connection: await loadKubeconfig(fromSupervisor("KUBECONFIG")),
  clock,
  userAgent: "hakn-node-agent",
});
const stopped = new AbortController();
const agent = await startNodeAgent({
  client,
  dataDir: join(fromSupervisor("HAKN_DATA_DIR"), "node"),
  nodeName: "hakn",
  apiServer: { host: "127.0.0.1", port: Number(fromSupervisor("HAKN_API_PORT")) },
  loopback: loopbackMode(process.env) ?? "own",
  lifeline: isOpen(lifeline) ? lifeline : undefined,
  runtime: process.execPath,
  path: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
  version: packageVersion(),
  clock,
  log,
  signal: stopped.signal,
});
process.send?.("ready");

for (const end of ["SIGTERM", "SIGINT", "disconnect"]) process.on(end, () => stopped.abort());
await agent.done;
client.close();
process.exit(0);

function isOpen(descriptor: number): boolean {
  try {
    const kind = fstatSync(descriptor);
    return kind.isSocket() || kind.isFIFO();
  } catch {
    return false;
  }
}
