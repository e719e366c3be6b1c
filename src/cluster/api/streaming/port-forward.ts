import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { finished } from "node:stream/promises";
import { createWebSocketStream } from "ws";
import { messageOf } from "../../../lib/error-message.ts";
import type { Logger } from "../../../lib/log.ts";
import { acceptSpdy, acceptWebSocket, offeredProtocols, upgradeOf } from "./handshake.ts";
import { type SpdyStream, serveSpdy } from "./spdy.ts";

const protocol = "portforward.k8s.io";
const tunnelled = "SPDY/3.1+portforward.k8s.io";

/** Opens a byte stream to a port of the pod that is meant. */
export type OpenPort = (port: number, signal: AbortSignal) => Promise<Duplex>;

/** Whether an upgrade request asks for port forwarding in a way that is understood here. */
export function isPortForward(request: IncomingMessage): boolean {
  const upgrade = upgradeOf(request);
  if (upgrade === "spdy/3.1") return true;
  return upgrade === "websocket" && offeredProtocols(request).includes(tunnelled);
}

/**
 * Takes the upgraded connection of `kubectl port-forward`: SPDY/3.1 itself, or tunnelled through a WebSocket.
 * Source: k8s.io/kubelet pkg/cri/streaming/portforward, k8s.io/apimachinery util/httpstream.
 */
export async function forwardPorts(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  open: OpenPort,
  log: Logger,
): Promise<void> {
  const connection = await accept(request, socket, head);
  const ended = new AbortController();
  const waiting = new Map<string, Partial<Record<"data" | "error", SpdyStream>>>();
  try {
    await serveSpdy(connection, (stream) => {
      const { streamtype: type, port = "", requestid = port } = stream.headers;
      if (type !== "data" && type !== "error") {
        stream.channel.destroy();
        return;
      }
      const pair = { ...waiting.get(requestid), [type]: stream };
      if (!pair.data || !pair.error) {
        waiting.set(requestid, pair);
        return;
      }
      waiting.delete(requestid);
      void joinPort(pair.data.channel, pair.error.channel, Number(port), open, ended.signal);
    });
  } catch (error) {
    log.debug("a port-forward connection failed", { error });
  } finally {
    ended.abort();
  }
}

/** Carries one connection: bytes both ways until both sides have ended; failures are told on the error stream. */
async function joinPort(
  data: Duplex,
  errors: Duplex,
  port: number,
  open: OpenPort,
  signal: AbortSignal,
): Promise<void> {
  try {
    const target = await open(port, signal);
    data.pipe(target).pipe(data);
    // A client that has gone takes its connection with it.
    data.once("close", () => target.destroy());
    await finished(target, { writable: false });
    if (!data.writableFinished) await finished(data.end(), { readable: false });
  } catch (error) {
    if (!errors.destroyed) {
      errors.write(`an error occurred forwarding ${port} -> ${port}: ${messageOf(error)}`);
    }
    data.destroy();
  } finally {
    errors.end();
  }
}

async function accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<Duplex> {
  if (upgradeOf(request) === "websocket") {
    return createWebSocketStream(await acceptWebSocket(request, socket, head, tunnelled));
  }
  acceptSpdy(socket, head, protocol);
  return socket;
}
