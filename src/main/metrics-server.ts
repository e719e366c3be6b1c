import { createServer } from "node:http";
import type { Registry } from "prom-client";
import type { SocketAddress } from "../lib/locate.ts";

/** Serves a registry's metrics to Prometheus on `/metrics`. Rejects when the port cannot be listened on. */
export async function startMetricsServer(registry: Registry, { host, port }: SocketAddress): Promise<() => void> {
  const server = createServer(async (request, response) => {
    if (request.url?.split("?")[0] !== "/metrics") {
      response.writeHead(404).end("not found: metrics are at /metrics\n");
      return;
    }
    try {
      const text = await registry.metrics();
      response.writeHead(200, { "content-type": registry.contentType }).end(text);
    } catch (error) {
      response.writeHead(500).end(`${(error as Error).message}\n`);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  server.unref();
  return () => {
    server.close();
    server.closeAllConnections();
  };
}
