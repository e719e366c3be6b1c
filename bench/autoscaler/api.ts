/** An embedded API server without controllers, in a process of its own. Started by bench/autoscaler.ts. */
import { startApiServer } from "../../src/cluster/api/api-server.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { createLogger } from "../../src/lib/log.ts";

const server = await startApiServer({
  dataDir: process.argv[2]!,
  address: "127.0.0.1",
  port: 0,
  clock: systemClock,
  log: createLogger("apiserver", "error"),
});
process.send?.({ kubeconfig: server.adminKubeconfig, connection: server.loopbackClientConfig });
