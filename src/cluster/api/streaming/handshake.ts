import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";

const maxMessageBytes = 16 * 1024 * 1024;

/** Which protocol a request asks to change to; "" for none. */
export function upgradeOf(request: IncomingMessage): string {
  return (request.headers.upgrade ?? "").toLowerCase();
}

/** The protocols that a client offers to speak on a WebSocket. */
export function offeredProtocols(request: IncomingMessage): string[] {
  return (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
}

/** Makes the connection a WebSocket on which `protocol` is spoken. */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocol: string,
): Promise<WebSocket> {
  const server = new WebSocketServer({
    noServer: true,
    handleProtocols: () => protocol,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
  });
  return new Promise((resolve) => server.handleUpgrade(request, socket, head, resolve));
}

/** Says that SPDY/3.1 follows on the connection, and `protocol` on top of it. */
export function acceptSpdy(socket: Duplex, head: Buffer, protocol: string): void {
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
  if (head.length > 0) socket.unshift(head);
}
