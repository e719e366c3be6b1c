import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { SocketAddress } from "../lib/locate.ts";
import type { MultiScaler } from "./multi-scaler.ts";

export interface AutoscalerServer {
  readonly port: number;
  /** Fails probes from now on; requests are still answered. */
  drain(): void;
  /** Stops listening; settles when the answers under way are out. */
  close(): Promise<void>;
}

/**
 * Serves the autoscaler's port: health for the kubelet, and on `/decisions/NAMESPACE/NAME` why a revision has the scale
 * that it has, as JSON, oldest decision first.
 */
export async function startAutoscalerServer(
  { host, port }: SocketAddress,
  multiScaler: Pick<MultiScaler, "history">,
): Promise<AutoscalerServer> {
  let draining = false;
  const server = createServer((request, response) => {
    if (isKubeletProbe(request)) return answer(response, draining ? 503 : 200, draining ? "shutting down" : "ok");
    const [, root, namespace, name, rest] = (request.url ?? "").split("/");
    if (root !== "decisions" || !namespace || !name || rest !== undefined) {
      return answer(response, 404, "not found: try /decisions/NAMESPACE/NAME of a revision");
    }
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ decisions: multiScaler.history(`${namespace}/${name}`) }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : port,
    drain() {
      draining = true;
    },
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeIdleConnections();
      }),
  };
}

function isKubeletProbe(request: IncomingMessage): boolean {
  return Boolean(request.headers["k-kubelet-probe"]) || (request.headers["user-agent"] ?? "").startsWith("kube-probe/");
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${text}\n`);
}
