import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ApiServer, startApiServer } from "../../src/cluster/api/api-server.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLogger } from "../../src/lib/log.ts";
import type { Access } from "./contract.ts";

/** An API server with a directory of its own, and how its administrator reaches it. */
export interface ScratchServer {
  readonly server: ApiServer;
  readonly access: Access;
  /** Ends it, and deletes the directory. */
  close(): Promise<void>;
}

export async function startScratchServer(): Promise<ScratchServer> {
  const dataDir = mkdtempSync(join(tmpdir(), "hakn-api-"));
  const server = await startApiServer({
    dataDir,
    address: "127.0.0.1",
    port: 0,
    clock: systemClock,
    log: silentLogger,
  });
  return {
    server,
    access: { url: server.url, ca: server.caCertificate, token: server.loopbackClientConfig.token! },
    async close() {
      await server.close();
      rmSync(dataDir, { recursive: true });
    },
  };
}
