import { createServer, type IncomingMessage, type ServerResponse, request as startRequest } from "node:http";
import type { SocketAddress } from "../lib/locate.ts";
import type { Logger } from "../lib/log.ts";
import { decisionJson, latestJson } from "./explain/decision-json.ts";
import type { MultiScaler } from "./multi-scaler.ts";
import { type StatServerConfig, serveStats } from "./replicas/stat-server.ts";

export interface AutoscalerServerConfig extends StatServerConfig {
  readonly at: SocketAddress;
  readonly multiScaler: Pick<MultiScaler, "decisions" | "keys">;
  /** "host:port" of the replica that owns a key, where it is another one. */
  readonly ownerAddress: (key: string) => string | undefined;
  /** The addresses of the other replicas. */
  readonly peerAddresses: () => readonly string[];
  readonly log: Logger;
}

export interface AutoscalerServer {
  readonly port: number;
  /** Fails probes from now on; requests are still answered. */
  drain(): void;
  /** Stops listening; settles when the answers under way are out. */
  close(): Promise<void>;
}

const closeGraceMs = 5000;
const askTimeoutMs = 3000;
/** Says that another replica asks, so that the question is not passed on once more. */
const askedByPeer = "hakn-asked-by-replica";

/**
 * Serves the autoscaler's port: health for the kubelet; stats over WebSocket; and as JSON on `/decisions/NAMESPACE/NAME`
 * why a revision has the scale that it has, oldest decision first, and on `/decisions` the latest of every revision.
 * What another replica knows is asked of it.
 */
export async function startAutoscalerServer(config: AutoscalerServerConfig): Promise<AutoscalerServer> {
  const { multiScaler, ownerAddress, peerAddresses } = config;
  let draining = false;

  const ownDecisions = (key: string): object | undefined => {
    const ring = multiScaler.decisions(key);
    const latest = ring?.latest();
    if (!ring) return undefined;
    return {
      revision: key,
      ...(latest && { latest: latestJson(latest) }),
      decisions: ring.recorded().map(decisionJson),
    };
  };

  const ownLatest = (): object[] =>
    multiScaler.keys().map((key) => {
      const latest = multiScaler.decisions(key)?.latest();
      return { revision: key, ...(latest && { latest: latestJson(latest) }) };
    });

  const answerOne = async (key: string, mayAsk: boolean, response: ServerResponse) => {
    const own = ownDecisions(key);
    if (own) return answerJson(response, 200, own);
    const owner = mayAsk ? ownerAddress(key) : undefined;
    const path = `/decisions/${key.split("/").map(encodeURIComponent).join("/")}`;
    const theirs = owner && (await ask(owner, path));
    if (theirs) return answerJson(response, 200, theirs);
    const why = owner ? `its owner at ${owner} does not answer` : "no replica decides for it now";
    answerJson(response, owner ? 502 : 404, { error: `nothing is known of ${key}: ${why}` });
  };

  const answerAll = async (mayAsk: boolean, response: ServerResponse) => {
    const others = mayAsk ? await Promise.all(peerAddresses().map((address) => ask(address, "/decisions"))) : [];
    const theirs = others.flatMap((answer) => (answer as { revisions?: object[] } | undefined)?.revisions ?? []);
    answerJson(response, 200, { revisions: [...ownLatest(), ...theirs] });
  };

  const server = createServer((request, response) => {
    if (isKubeletProbe(request)) return answerText(response, draining ? 503 : 200, draining ? "shutting down" : "ok");
    const [, root, ...key] = (request.url ?? "").split("?")[0]!.split("/").map(decoded);
    const mayAsk = request.headers[askedByPeer] === undefined;
    if (root === "decisions" && key.length === 2 && key[0] && key[1]) {
      void answerOne(key.join("/"), mayAsk, response);
    } else if (root === "decisions" && key.join("") === "") {
      void answerAll(mayAsk, response);
    } else {
      answerText(response, 404, "not found: try /decisions, or /decisions/NAMESPACE/NAME of a revision");
    }
  });
  server.requestTimeout = 60_000;
  const statServer = serveStats(server, config);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(config.at.port, config.at.host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : config.at.port,
    drain() {
      draining = true;
    },
    async close() {
      const closed = new Promise<void>((resolve, reject) =>
        server.close((error) => (error ? reject(error) : resolve())),
      );
      await statServer.close(closeGraceMs);
      server.closeIdleConnections();
      await closed;
    },
  };
}

function ask(address: string, path: string): Promise<unknown> {
  return new Promise((resolve) => {
    const outgoing = startRequest(
      `http://${address}${path}`,
      { headers: { [askedByPeer]: "1" }, signal: AbortSignal.timeout(askTimeoutMs) },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.on("error", () => resolve(undefined));
        response.on("end", () => resolve(response.statusCode === 200 ? parsed(text) : undefined));
      },
    );
    outgoing.on("error", () => resolve(undefined));
    outgoing.end();
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function isKubeletProbe(request: IncomingMessage): boolean {
  return Boolean(request.headers["k-kubelet-probe"]) || (request.headers["user-agent"] ?? "").startsWith("kube-probe/");
}

function answerJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}

function answerText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${text}\n`);
}
