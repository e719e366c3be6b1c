import { type EventEmitter, once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import {
  createServer as createHttp2Server,
  createSecureServer,
  type Http2SecureServer,
  type Http2Server,
  type ServerHttp2Session,
} from "node:http2";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { SecureContext } from "node:tls";
import type { Clock } from "../../lib/clock.ts";
import type { Request, Response } from "./forward.ts";
import { isWebSocket } from "./websocket.ts";

/** What a listener does with what comes in. */
export interface ListenerHandlers {
  readonly onRequest: (request: Request, response: Response) => void;
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, buffered: Buffer) => void;
}

export interface Listener {
  readonly port: number;
  /** Takes no more connections, lets requests end, and closes after `graceMs` what is left. */
  close(graceMs: number): Promise<void>;
}

const limits = {
  // Uploads may take as long as they take; what waits for an answer is the application's business.
  requestTimeout: 0,
  headersTimeout: 60_000,
  keepAliveTimeout: 75_000,
  maxHeaderSize: 64 * 1024,
} as const;
const http2Settings = { initialWindowSize: 1 << 20, maxConcurrentStreams: 1000 };
const preface = "PRI * HTTP/2.0";

/** Listens for HTTP/1.1 and, with prior knowledge, HTTP/2 on one port without TLS. */
export async function listenPlain(
  address: string,
  port: number,
  handlers: ListenerHandlers,
  clock: Clock,
): Promise<Listener> {
  const http1 = createHttpServer({ ...limits, shouldUpgradeCallback: isWebSocket });
  http1.on("upgrade", handlers.onUpgrade);
  // It never listens itself; this starts its watch over connections that are idle or slow with their heads.
  http1.emit("listening");
  const http2 = createHttp2Server({ settings: http2Settings });
  const tcp = createTcpServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    sniff(socket, (isHttp2) => (isHttp2 ? http2 : http1).emit("connection", socket));
  });
  tcp.once("close", () => http1.close(() => {}));
  const closeIdle = () => http1.closeIdleConnections();
  return listening({ server: tcp, http: [http1, http2], http2, closeIdle }, address, port, handlers, clock);
}

/** Listens for HTTP/1.1 and HTTP/2 over TLS. `contextOf` finds the certificate for a server name. */
export async function listenTls(
  address: string,
  port: number,
  contextOf: (serverName: string) => Promise<SecureContext | undefined>,
  handlers: ListenerHandlers,
  clock: Clock,
): Promise<Listener> {
  const server = createSecureServer({
    ...limits,
    allowHTTP1: true,
    minVersion: "TLSv1.2",
    settings: http2Settings,
    SNICallback: (serverName, done) => {
      contextOf(serverName).then(
        (context) => (context ? done(null, context) : done(new Error(`no certificate for ${serverName}`))),
        (error) => done(error),
      );
    },
  });
  server.on("upgrade", handlers.onUpgrade);
  server.on("tlsClientError", () => {});
  return listening({ server, http: [server], http2: server, closeIdle: () => {} }, address, port, handlers, clock);
}

interface Servers {
  readonly server: Server;
  /** Those that emit "request". */
  readonly http: readonly EventEmitter[];
  readonly http2: Http2Server | Http2SecureServer;
  readonly closeIdle: () => void;
}

async function listening(
  { server, http, http2, closeIdle }: Servers,
  address: string,
  port: number,
  { onRequest }: ListenerHandlers,
  clock: Clock,
): Promise<Listener> {
  let isClosing = false;
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  http2.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => session.destroy());
    session.once("close", () => sessions.delete(session));
  });
  for (const emitter of http) {
    emitter.on("request", (request: Request, response: Response) => {
      if (isClosing && request.httpVersionMajor === 1) response.setHeader("connection", "close");
      response.once("close", () => {
        if (isClosing) setImmediate(closeIdle);
      });
      onRequest(request, response);
    });
  }
  server.listen(port, address);
  await once(server, "listening");
  const bound = server.address();
  return {
    port: typeof bound === "object" && bound ? bound.port : port,
    async close(graceMs) {
      isClosing = true;
      const closed = once(server, "close");
      server.close();
      closeIdle();
      for (const session of sessions) session.close();
      const cancel = clock.setTimer(graceMs, () => {
        for (const socket of sockets) socket.destroy();
      });
      await closed;
      cancel();
    },
  };
}

/** Reads just enough of a connection to know whether it speaks HTTP/2. */
function sniff(socket: Socket, decide: (isHttp2: boolean) => void): void {
  let read = Buffer.alloc(0);
  const onReadable = () => {
    const chunk: Buffer | null = socket.read();
    if (!chunk) return;
    read = Buffer.concat([read, chunk]);
    const seen = read.toString("latin1", 0, preface.length);
    if (read.length < preface.length && preface.startsWith(seen)) return;
    socket.off("readable", onReadable);
    socket.unshift(read);
    decide(seen === preface);
  };
  socket.on("readable", onReadable);
}
