import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../lib/log.ts";
import { writeTo } from "../write-to.ts";
import { type ExecOptions, type RunningContainer, runExecSession } from "./exec-session.ts";
import { type LogOptions, readLog } from "./log-reader.ts";
import type { LogTimes } from "./log-times.ts";

/** The log of one start of a container. */
interface LogSource {
  readonly file: string;
  readonly times: LogTimes;
  readonly ended: () => boolean;
}

/** Why there is no log: nobody knows the container, or it has not started yet. */
interface NoLog {
  readonly status: 404 | 400;
  readonly message: string;
}

/** What the server asks of the agent. */
export interface NodePods {
  /** The log of a container's present or previous start. */
  log(namespace: string, pod: string, container: string, previous: boolean): LogSource | NoLog;
  /** A container, while it runs. */
  running(namespace: string, pod: string, container: string): RunningContainer | undefined;
  /** Where a port of a pod is reached; undefined when there is no such pod. */
  addressOf(namespace: string, pod: string, port: number): { readonly host: string; readonly port: number } | undefined;
}

/**
 * Answers what only the node can: logs, connections to pods and commands in them (see the contract in
 * cluster/api/node-proxy.ts).
 */
export function createNodeServer(pods: NodePods, clock: Clock, log: Logger): Server {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://node");
    if (url.pathname === "/healthz") return void response.end("ok");
    const match = /^\/containerLogs\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(url.pathname);
    if (!match) return answer(response, 404, "not found");
    const [, namespace = "", pod = "", container = ""] = match;
    const source = pods.log(namespace, pod, container, url.searchParams.get("previous") === "true");
    if ("status" in source) return answer(response, source.status, source.message);
    sendLog(request, response, source, logOptions(url.searchParams, clock.now()), clock).catch((error) => {
      log.debug("a log could not be sent", { error });
      response.destroy();
    });
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://node");
    const [, action, namespace = "", pod = "", container = ""] =
      /^\/(portForward|exec)\/([^/]+)\/([^/]+)(?:\/([^/]+))?$/.exec(pathname) ?? [];
    if (action === "exec") {
      const running = pods.running(namespace, pod, container);
      if (!running) return refuse(socket, "404 Not Found", `container not found ("${container}")`);
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: exec\r\n\r\n");
      if (head.length > 0) socket.unshift(head);
      void runExecSession(socket, running, execOptions(searchParams), clock);
      return;
    }
    const target = action && pods.addressOf(namespace, pod, Number(searchParams.get("port")));
    if (!target) return refuse(socket, "404 Not Found", "not found");
    forward(socket, head, target);
  });
  return server;
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "Content-Type": "text/plain" }).end(text);
}

function refuse(socket: Duplex, status: string, text: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}

function execOptions(query: URLSearchParams): ExecOptions {
  return {
    command: query.getAll("command"),
    input: query.get("input") === "true",
    terminal: query.get("terminal") === "true",
  };
}

function logOptions(query: URLSearchParams, nowMs: number): LogOptions {
  const number = (name: string) => (query.has(name) ? Number(query.get(name)) : undefined);
  const seconds = number("sinceSeconds");
  const time = query.get("sinceTime");
  return {
    follow: query.get("follow") === "true",
    timestamps: query.get("timestamps") === "true",
    tailLines: number("tailLines"),
    limitBytes: number("limitBytes"),
    sinceMs: seconds !== undefined ? nowMs - seconds * 1000 : time ? Date.parse(time) : undefined,
  };
}

async function sendLog(
  request: IncomingMessage,
  response: ServerResponse,
  source: LogSource,
  options: LogOptions,
  clock: Clock,
): Promise<void> {
  const gone = new AbortController();
  request.once("close", () => gone.abort());
  response.once("close", () => gone.abort());
  response.writeHead(200, { "Content-Type": "text/plain", "Transfer-Encoding": "chunked" });
  response.flushHeaders();
  for await (const piece of readLog(source.file, options, { ...source, clock, signal: gone.signal })) {
    if (gone.signal.aborted) return;
    await writeTo(response, piece);
  }
  response.end();
}

function forward(socket: Duplex, head: Buffer, target: { readonly host: string; readonly port: number }): void {
  const upstream = connect(target);
  upstream.once("connect", () => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    if (head.length > 0) upstream.write(head);
    upstream.pipe(socket).pipe(upstream);
  });
  upstream.once("error", (error) => {
    if (upstream.connecting) {
      refuse(socket, "502 Bad Gateway", `cannot connect to ${target.host}:${target.port}: ${error.message}`);
    } else socket.destroy();
  });
  socket.once("close", () => upstream.destroy());
  upstream.once("close", () => socket.end());
}
