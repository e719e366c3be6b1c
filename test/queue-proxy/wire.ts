import net from "node:net";
import { systemClock } from "../../src/lib/clock.ts";

/** A bound for a wait that never ends, not for how fast something must be: machines may be busy. */
const patienceMs = 30_000;

/** A message as it stood on the wire. */
export interface WireMessage {
  readonly startLine: string;
  /** Lower-case names; repeated ones joined by a line feed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly headerText: string;
  readonly body: string;
  /** The body as framed: chunk sizes and trailers included. */
  readonly rawBody: string;
  readonly trailers: string;
}

/** Reads one message off the front of `text`; undefined: not complete. `toEnd`: the connection has ended. */
function readMessage(
  text: string,
  toEnd: boolean,
  bodyless = false,
): { message: WireMessage; rest: string } | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [startLine = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}\n${value}` : value;
  }
  const headerText = lines.join("\r\n");
  const rest = text.slice(end + 4);
  const make = (body: string, rawBody: string, trailers = "") => ({
    message: { startLine, headers, headerText, body, rawBody, trailers },
    rest: rest.slice(rawBody.length),
  });
  const status = /^HTTP\/1\.\d (\d+)/.exec(startLine)?.[1];
  if (bodyless || status?.startsWith("1") || status === "204" || status === "304") return make("", "");
  if (headers["transfer-encoding"] === "chunked") return readChunked(rest, make);
  const length = headers["content-length"];
  if (length !== undefined)
    return rest.length >= Number(length)
      ? make(rest.slice(0, Number(length)), rest.slice(0, Number(length)))
      : undefined;
  if (status === undefined) return make("", "");
  return toEnd ? make(rest, rest) : undefined;
}

function readChunked<T>(rest: string, make: (body: string, raw: string, trailers: string) => T): T | undefined {
  let position = 0;
  let body = "";
  for (;;) {
    const lineEnd = rest.indexOf("\r\n", position);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(rest.slice(position, lineEnd), 16);
    position = lineEnd + 2;
    if (size === 0) {
      const end = rest.startsWith("\r\n", position) ? position : rest.indexOf("\r\n\r\n", position) + 2;
      if (end < position || rest.length < end + 2) return undefined;
      return make(body, rest.slice(0, end + 2), rest.slice(position, end));
    }
    if (rest.length < position + size + 2) return undefined;
    body += rest.slice(position, position + size);
    position += size + 2;
  }
}

/** A client that speaks raw bytes (latin-1). */
export class RawClient {
  received = "";
  ended = false;
  readonly socket: net.Socket;
  private waiters: (() => void)[] = [];

  constructor(port: number) {
    this.socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.socket.on("data", (chunk) => {
      this.received += chunk.toString("latin1");
      this.wake();
    });
    this.socket.on("end", () => {
      this.ended = true;
      this.wake();
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.ended = true;
      this.wake();
    });
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** Takes the next message. Rejects when none comes. */
  async message(bodyless = false): Promise<WireMessage> {
    const found = await this.wait(() => readMessage(this.received, this.ended, bodyless));
    this.received = found.rest;
    return found.message;
  }

  /** Waits until the other side has closed; returns what was left unread. */
  async closed(): Promise<string> {
    await this.wait(() => (this.ended ? true : undefined));
    return this.received;
  }

  /** Waits until `found` gives something. */
  async wait<T>(found: () => T | undefined): Promise<T> {
    let known = this.received.length;
    let endMs = systemClock.monotonic() + patienceMs;
    for (;;) {
      const value = found();
      if (value !== undefined) return value;
      if (this.ended) throw new Error(`connection ended after ${this.soFar}`);
      if (this.received.length !== known) endMs = systemClock.monotonic() + patienceMs;
      known = this.received.length;
      const leftMs = endMs - systemClock.monotonic();
      if (leftMs <= 0) throw new Error(`nothing more came after ${this.soFar}`);
      await new Promise<void>((resolve) => {
        const cancel = systemClock.setTimer(leftMs, resolve);
        this.waiters.push(() => {
          cancel();
          resolve();
        });
      });
    }
  }

  destroy(): void {
    this.socket.destroy();
  }

  private get soFar(): string {
    return JSON.stringify(this.received.slice(0, 2000));
  }

  private wake(): void {
    const waiters = this.waiters;
    this.waiters = [];
    for (const waiter of waiters) waiter();
  }
}

/** One request as the user container saw it, and the means to answer. */
export interface BackendRequest extends WireMessage {
  readonly socket: net.Socket;
  readonly connection: number;
}

/** A user container that is told what to say, byte by byte. */
export class RawBackend {
  requests: BackendRequest[] = [];
  /** Answers a complete request. */
  answer: (request: BackendRequest) => void = (request) => request.socket.write(ok("ok"));
  /** Sees every piece that arrives; true: the piece is dealt with. */
  onBytes: ((socket: net.Socket, text: string) => boolean) | undefined;
  connections = 0;
  closedConnections = 0;
  private readonly server: net.Server;
  private readonly sockets = new Set<net.Socket>();
  private waiters: (() => void)[] = [];

  constructor() {
    this.server = net.createServer({ allowHalfOpen: true }, (socket) => this.accept(socket));
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.server.listen(0, "127.0.0.1", () => resolve((this.server.address() as net.AddressInfo).port));
    });
  }

  /** Back to the beginning, for the next case. */
  reset(): void {
    this.requests = [];
    this.answer = (request) => request.socket.write(ok("ok"));
    this.onBytes = undefined;
    this.closedConnections = 0;
  }

  async request(index = 0): Promise<BackendRequest> {
    await this.until(() => this.requests.length > index);
    return this.requests[index]!;
  }

  async until(condition: () => boolean): Promise<void> {
    const endMs = systemClock.monotonic() + patienceMs;
    while (!condition()) {
      if (systemClock.monotonic() > endMs) throw new Error("the container waited in vain");
      await new Promise<void>((resolve) => {
        const cancel = systemClock.setTimer(50, resolve);
        this.waiters.push(() => {
          cancel();
          resolve();
        });
      });
    }
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(socket: net.Socket): void {
    const connection = ++this.connections;
    this.sockets.add(socket);
    let text = "";
    socket.on("data", (chunk) => {
      const piece = chunk.toString("latin1");
      if (this.onBytes?.(socket, piece)) return;
      text += piece;
      for (let found = readMessage(text, false); found; found = readMessage(text, false)) {
        text = found.rest;
        const request = { ...found.message, socket, connection };
        this.requests.push(request);
        this.answer(request);
      }
      this.wake();
    });
    socket.on("end", () => socket.end());
    socket.on("error", () => {});
    socket.on("close", () => {
      this.sockets.delete(socket);
      this.closedConnections++;
      this.wake();
    });
  }

  private wake(): void {
    const waiters = this.waiters;
    this.waiters = [];
    for (const waiter of waiters) waiter();
  }
}

/** A plain 200 with a body. */
export function ok(body: string, headers = "Content-Type: text/plain\r\n"): string {
  return `HTTP/1.1 200 OK\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** A GET without a body. */
export function get(path = "/", headers = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: h.example\r\n${headers}\r\n`;
}
