import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ApiServer, startApiServer } from "../../src/cluster/api/api-server.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLogger } from "../../src/lib/log.ts";
import type { Access } from "./contract.ts";

/** An API server with a directory of its own, and how its administrator reaches it. */
export interface ScratchServer {
  readonly dataDir: string;
  readonly server: ApiServer;
  readonly access: Access;
  /** Ends it and starts another one, at another port, on what it stored. */
  restart(): Promise<void>;
  /** Ends it, and deletes the directory. */
  close(): Promise<void>;
}

export async function startScratchServer(): Promise<ScratchServer> {
  const dataDir = mkdtempSync(join(tmpdir(), "hakn-api-"));
  const start = () => startApiServer({ dataDir, address: "127.0.0.1", port: 0, clock: systemClock, log: silentLogger });
  let server = await start();
  return {
    dataDir,
    get server() {
      return server;
    },
    get access() {
      return { url: server.url, ca: server.caCertificate, token: server.loopbackClientConfig.token! };
    },
    async restart() {
      await server.close();
      server = await start();
    },
    async close() {
      await server.close();
      rmSync(dataDir, { recursive: true });
    },
  };
}
