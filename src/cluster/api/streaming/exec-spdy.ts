import type { IncomingMessage } from "node:http";
import { type Duplex, finished } from "node:stream";
import { promisify } from "node:util";
import { type ExecClient, type ExecStreams, nothing, nowhere } from "./exec-client.ts";
import { acceptSpdy } from "./handshake.ts";
import { serveSpdy } from "./spdy.ts";

const protocol = "v4.channel.k8s.io";
const whenFinished = promisify(finished);

/** Whether a client that asks for SPDY speaks the version that is known here. */
export function speaksSpdy(request: IncomingMessage): boolean {
  const offered = request.headersDistinct["x-stream-protocol-version"] ?? [];
  return offered.flatMap((names) => names.split(",")).some((name) => name.trim() === protocol);
}

/**
 * Serves pods/exec on SPDY/3.1: each stream says in its headers what it is for. Rejects when the client goes before it
 * has opened all of them. Source: k8s.io/kubelet pkg/cri/streaming/remotecommand.
 */
export function execBySpdy(socket: Duplex, head: Buffer, streams: ExecStreams): Promise<ExecClient> {
  acceptSpdy(socket, head, protocol);
  const wanted = [
    "error",
    ...(streams.stdin ? ["stdin"] : []),
    ...(streams.stdout ? ["stdout"] : []),
    ...(streams.stderr && !streams.tty ? ["stderr"] : []),
    ...(streams.tty ? ["resize"] : []),
  ];
  const opened = new Map<string, Duplex>();
  const gone = new AbortController();
  return new Promise((resolve, reject) => {
    const served = serveSpdy(socket, ({ headers, channel }) => {
      opened.set(headers["streamtype"] ?? "", channel);
      if (opened.size === wanted.length && wanted.every((name) => opened.has(name))) {
        resolve(clientOf(socket, opened, gone.signal));
      }
    });
    const end = (error?: unknown) => {
      gone.abort();
      reject(error ?? new Error("the client has gone before it had opened its streams"));
    };
    served.then(() => end(), end);
  });
}

function clientOf(socket: Duplex, opened: ReadonlyMap<string, Duplex>, gone: AbortSignal): ExecClient {
  const error = opened.get("error")!;
  return {
    input: opened.get("stdin") ?? nothing(),
    output: opened.get("stdout") ?? nowhere(),
    errors: opened.get("stderr") ?? nowhere(),
    sizes: opened.get("resize") ?? nothing(),
    gone,
    async finish(status) {
      const ending = [opened.get("stdout"), opened.get("stderr"), error].filter((channel) => channel !== undefined);
      error.write(JSON.stringify(status));
      await Promise.all(
        ending.map((channel) => whenFinished(channel.end(), { readable: false }).catch(() => undefined)),
      );
      socket.end();
    },
  };
}
