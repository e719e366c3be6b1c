import { request as httpRequest, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { SocketAddress } from "../../lib/locate.ts";
import type { RequestHead } from "./connections.ts";
import { endToEnd, type HeaderMap } from "./headers.ts";

/** Whether a request asks to leave HTTP for a WebSocket. */
export function isWebSocket({ headers }: Pick<IncomingMessage, "headers">): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

/** Joins a client that asks for a WebSocket with a pod; the first of the pods that takes the connection. */
export function tunnel(
  request: IncomingMessage,
  socket: Duplex,
  buffered: Buffer,
  head: RequestHead,
  endpoints: readonly SocketAddress[],
): void {
  const [endpoint, ...others] = endpoints;
  if (!endpoint) {
    endWith(socket, 503, "no healthy upstream");
    return;
  }
  const outgoing = httpRequest({
    ...endpoint,
    method: head.method,
    path: head.path,
    headers: { ...head.headers, host: head.authority, connection: "Upgrade", upgrade: "websocket" },
    agent: false,
  });
  const leave = () => outgoing.destroy();
  socket.once("close", leave);
  const goOn = () => {
    socket.off("close", leave);
    if (!socket.destroyed) tunnel(request, socket, buffered, head, others);
  };
  outgoing.once("error", goOn);
  outgoing.once("response", (answer) => {
    // From here on it is this pod's answer: what breaks off is told by the end of the connection.
    outgoing.off("error", goOn);
    outgoing.on("error", () => socket.destroy());
    answer.once("aborted", () => socket.destroy());
    socket.write(
      statusLine(answer.statusCode ?? 502, answer.statusMessage ?? "", {
        ...endToEnd(answer.headers),
        connection: "close",
      }),
    );
    answer.pipe(socket);
  });
  outgoing.once("upgrade", (answer, upstream, first) => {
    socket.write(
      statusLine(101, "Switching Protocols", {
        ...endToEnd(answer.headers),
        connection: "Upgrade",
        upgrade: "websocket",
      }),
    );
    if (first.length > 0) socket.write(first);
    if (buffered.length > 0) upstream.write(buffered);
    socket.pipe(upstream);
    upstream.pipe(socket);
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
    upstream.once("close", () => socket.destroy());
    socket.once("close", () => upstream.destroy());
  });
  outgoing.end();
}

/** Answers a client that does not get its WebSocket. */
export function endWith(socket: Duplex, status: number, text: string): void {
  const headers = {
    "content-type": "text/plain",
    "content-length": String(Buffer.byteLength(text)),
    connection: "close",
  };
  socket.end(`${statusLine(status, status === 404 ? "Not Found" : "Service Unavailable", headers)}${text}`);
}

function statusLine(status: number, reason: string, headers: HeaderMap): string {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value ?? ""]).map((one) => `${name}: ${one}\r\n`),
  );
  return `HTTP/1.1 ${status} ${reason}\r\n${lines.join("")}\r\n`;
}
