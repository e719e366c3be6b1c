/** The embedded cluster's API server and built-in controllers, as a process of the supervisor. */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ApiServer, type ApiServerOptions, startApiServer } from "../cluster/api/api-server.ts";
import { startBuiltinControllers } from "../cluster/controllers/start.ts";
import { locateIn, loopbackMode } from "../cluster/shared-loopback.ts";
import { createInformers } from "../kube/informer.ts";
import { systemClock } from "../lib/clock.ts";
import { createLogger } from "../lib/log.ts";
import { contextNameOf } from "./context-name.ts";
import { fromSupervisor } from "./environment.ts";

const clock = systemClock;
const log = createLogger("apiserver");
const dataDir = fromSupervisor("HAKN_DATA_DIR");

const server = await startOrTell({
  dataDir: join(dataDir, "api"),
  contextName: contextNameOf(dataDir),
  address: "127.0.0.1",
  port: Number(fromSupervisor("HAKN_API_PORT")),
  locate: locateIn(loopbackMode(process.env)),
  clock,
  log,
});
writeWhole(join(dataDir, "kubeconfig"), server.adminKubeconfig);

const stopped = new AbortController();
const client = server.ownClient("hakn-controllers");
const informers = createInformers({ client, clock, log, signal: stopped.signal });
const controllers = startBuiltinControllers({
  client,
  informers,
  caCertificate: server.caCertificate,
  clock,
  log,
  signal: stopped.signal,
});
process.send?.("ready");

let stopping = false;
for (const end of ["SIGTERM", "SIGINT", "disconnect"]) {
  process.on(end, async () => {
    if (stopping) return;
    stopping = true;
    stopped.abort();
    await controllers.done;
    client.close();
    await server.close();
    process.exit(0);
  });
}

/** What is wrong with the data directory stays wrong: whoever started us need not wait for a better try. */
async function startOrTell(options: ApiServerOptions): Promise<ApiServer> {
  try {
    return await startApiServer(options);
  } catch (error) {
    log.error("The API server cannot start", { error });
    const { promise: told, resolve } = Promise.withResolvers<unknown>();
    if (!process.send?.({ failed: (error as Error).message }, resolve)) resolve(undefined);
    await told;
    process.exit(1);
  }
}

/** Readers see the old file or the new one, never a part. */
function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
