import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../lib/clock.ts";
import { profileCpu, profileSeconds } from "../lib/cpu-profile.ts";
import { messageOf } from "../lib/error-message.ts";
import type { SocketAddress } from "../lib/locate.ts";

export interface ProfilingServer {
  readonly port: number;
  stop(): void;
}

/**
 * Serves profiles of this process while `isEnabled()`, and nothing else: `/debug/pprof/profile?seconds=N` gives a
 * `.cpuprofile`, `/debug/pprof/heap` a summary of the memory in JSON. Rejects when the port cannot be listened on.
 * Source of the port and the paths: knative.dev/pkg profiling, as serving v0.42.2 requires it.
 */
export async function startProfilingServer(
  { host, port }: SocketAddress,
  isEnabled: () => boolean,
  clock: Clock,
): Promise<ProfilingServer> {
  const server = createServer(async (request, response) => {
    const [path, query] = (request.url ?? "/").split("?", 2);
    try {
      if (!isEnabled()) text(response, 404, "profiling is not enabled: profiling.enable in config-observability is\n");
      else if (path === "/debug/pprof/") text(response, 200, "heap\nprofile\n");
      else if (path === "/debug/pprof/heap") json(response, JSON.stringify(process.memoryUsage()));
      else if (path === "/debug/pprof/profile") {
        json(response, await profileCpu(clock, profileSeconds(new URLSearchParams(query))));
      } else text(response, 404, "not found: /debug/pprof/ lists the profiles\n");
    } catch (error) {
      text(response, 500, `no profile: ${messageOf(error)}\n`);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function text(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(body);
}

function json(response: ServerResponse, body: string): void {
  response.writeHead(200, { "content-type": "application/json" }).end(body);
}
