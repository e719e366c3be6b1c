import { BatchedWriter } from "./batch.ts";
import { HeadBuffer } from "./codec/head-buffer.ts";
import { names } from "./codec/headers.ts";
import { Http1BodyDecoder } from "./codec/http1-body.ts";
import { type Http1RequestHead, ProtocolError, parseRequestHead } from "./codec/http1-parser.ts";
import { refusal } from "./codec/http1-writer.ts";
import type { Deadline, DeadlineQueue, Expiring } from "./deadlines.ts";
import { Http1Exchange } from "./http1-exchange.ts";
import type { Handler, RequestHead } from "./message.ts";
import type { Connection, ConnectionEvents } from "./transport.ts";

/** As Go's DefaultMaxHeaderBytes with its slop. */
const maxHeadBytes = 1024 * 1024 + 4096;
/** Pipelined bytes kept while a request is being answered; beyond them the client is not read any more. */
const maxPipelinedBytes = 64 * 1024;

/** What all connections of one server share. */
export interface ServerOptions {
  readonly handler: Handler;
  /** Limits the time from a request's first byte to the end of its head. */
  readonly headTimeouts: DeadlineQueue;
  /** Limits how long a connection whose last byte is sent waits for the client to close its side. */
  readonly lingers: DeadlineQueue;
  /** Live connections, for a graceful end. */
  readonly connections: Set<ServerConnection>;
  /** The value for a missing Date header. */
  readonly date: () => string;
}

/** A server's side of a connection, whatever its protocol. */
export interface ServerConnection {
  /** Ends the connection as soon as the requests under way are answered. */
  shutdown(): void;
}

/** Takes over a connection whose client asks for HTTP/2 (`Upgrade: h2c`). */
export type UpgradeToHttp2 = (upgrade: {
  readonly connection: Connection;
  readonly writer: BatchedWriter;
  readonly request: RequestHead;
  readonly settings: string;
}) => ConnectionEvents | undefined;

/** Serves one HTTP/1 connection: one request at a time, in order. */
export class Http1ServerConnection implements ConnectionEvents, ServerConnection, Expiring {
  readonly connection: Connection;
  readonly writer: BatchedWriter;
  readonly options: ServerOptions;
  /** For the body of the current exchange's request. */
  readonly decoder = new Http1BodyDecoder();
  private readonly upgradeToHttp2: UpgradeToHttp2 | undefined;
  private readonly head = new HeadBuffer(maxHeadBytes, false);
  private timeout: Deadline | undefined;
  private exchange: Http1Exchange | undefined;
  private pipelined: Buffer[] = [];
  private pipelinedBytes = 0;
  private readonly pauses = new Set<"consumer" | "pipeline">();
  private peerEnded = false;
  private stopping = false;
  /** "closing": our side is closed, what still arrives is thrown away. */
  private state: "open" | "closing" | "closed" = "open";
  private replacement: ConnectionEvents | undefined;

  constructor(connection: Connection, options: ServerOptions, upgradeToHttp2?: UpgradeToHttp2) {
    this.connection = connection;
    this.writer = new BatchedWriter(connection);
    this.options = options;
    this.upgradeToHttp2 = upgradeToHttp2;
    options.connections.add(this);
    this.armTimeout();
  }

  data(chunk: Uint8Array): void {
    if (this.replacement) this.replacement.data(chunk);
    else this.take(chunk instanceof Buffer ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
  }

  drain(): void {
    if (this.replacement) {
      this.replacement.drain();
      return;
    }
    this.writer.drained();
    this.exchange?.writable();
  }

  end(): void {
    if (this.replacement) {
      this.replacement.end();
      return;
    }
    this.peerEnded = true;
    if (this.exchange) this.exchange.clientEnded();
    else this.finish();
  }

  close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.timeout?.cancel();
    this.options.connections.delete(this);
    if (this.replacement) this.replacement.close();
    else this.exchange?.abandon();
  }

  shutdown(): void {
    this.stopping = true;
    if (!this.exchange && this.head.empty) this.finish();
  }

  /** Whether the current exchange must be the connection's last. */
  get lastExchange(): boolean {
    return this.stopping || this.peerEnded;
  }

  /** Stops and restarts reading for the sake of the exchange's consumer. */
  setPaused(paused: boolean, reason: "consumer" | "pipeline"): void {
    const before = this.pauses.size;
    if (paused) this.pauses.add(reason);
    else this.pauses.delete(reason);
    if (this.state === "closed" || (before === 0) === (this.pauses.size === 0)) return;
    if (before === 0) this.connection.pause();
    else this.connection.resume();
  }

  /** Both messages of the exchange are over. `reusable`: the connection may carry another. */
  exchangeDone(reusable: boolean): void {
    this.exchange = undefined;
    if (this.state !== "open") return;
    this.setPaused(false, "consumer");
    if (!reusable || this.stopping) {
      this.finish();
      return;
    }
    if (this.pipelinedBytes === 0) {
      if (this.peerEnded) this.finish();
      return;
    }
    const bytes = this.pipelined.length === 1 ? this.pipelined[0]! : Buffer.concat(this.pipelined);
    this.pipelined = [];
    this.pipelinedBytes = 0;
    this.setPaused(false, "pipeline");
    // Not from within the previous answer: a client's pipeline must not grow our stack.
    queueMicrotask(() => {
      if (this.state !== "open") return;
      this.take(bytes);
      if (this.peerEnded && !this.exchange) this.finish();
    });
  }

  /** Sends what is pending, then closes our side; what the client still sends is read and dropped for a while. */
  finish(): void {
    if (this.state !== "open") return;
    this.state = "closing";
    this.pipelined = [];
    this.setPaused(false, "pipeline");
    this.setPaused(false, "consumer");
    this.timeout?.cancel();
    this.timeout = undefined;
    this.writer.end(() => {
      if (this.state === "closing") this.armTimeout(this.options.lingers);
    });
  }

  /** The client took too long for a head, or to close its side. */
  expired(): void {
    this.timeout = undefined;
    this.destroy();
  }

  /** Cuts the connection. */
  destroy(): void {
    if (this.state !== "closed") this.writer.destroy();
  }

  private take(bytes: Buffer): void {
    let offset = 0;
    try {
      while (offset < bytes.length && this.state === "open" && !this.replacement) {
        if (!this.exchange) offset = this.takeHead(bytes, offset);
        else if (this.exchange.wantsBytes) offset = this.exchange.feed(bytes, offset);
        else {
          this.keepPipelined(bytes.subarray(offset));
          return;
        }
      }
      if (this.replacement && offset < bytes.length) this.replacement.data(bytes.subarray(offset));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (this.exchange) this.exchange.refuse(error);
      else this.refuse(error);
    }
  }

  private takeHead(bytes: Buffer, offset: number): number {
    const text = this.head.feed(bytes, offset);
    if (text === undefined) {
      if (!this.timeout) this.armTimeout();
      return bytes.length;
    }
    this.timeout?.cancel();
    this.timeout = undefined;
    this.startExchange(parseRequestHead(text, this.connection));
    return this.head.next;
  }

  private startExchange(request: Http1RequestHead): void {
    if (request.upgrade?.toLowerCase() === "h2c" && this.switchToHttp2(request)) return;
    const expectation = request.headers.get(names.expect);
    if (expectation !== undefined && !request.expectContinue && request.protocol === "HTTP/1.1") {
      throw new ProtocolError(417, "unknown expectation");
    }
    this.exchange = new Http1Exchange(this, request);
    this.exchange.start();
  }

  private switchToHttp2(request: RequestHead): boolean {
    const settings = request.headers.get(names.http2Settings);
    if (settings === undefined || request.bodyLength !== 0) return false;
    const { connection, writer } = this;
    this.replacement = this.upgradeToHttp2?.({ connection, writer, request, settings });
    if (this.replacement) this.options.connections.delete(this);
    return this.replacement !== undefined;
  }

  private keepPipelined(bytes: Buffer): void {
    this.pipelined.push(Buffer.from(bytes));
    this.pipelinedBytes += bytes.length;
    if (this.pipelinedBytes > maxPipelinedBytes) this.setPaused(true, "pipeline");
  }

  private refuse(error: ProtocolError): void {
    this.writer.text(refusal(error.status, error.message));
    this.finish();
  }

  private armTimeout(queue = this.options.headTimeouts): void {
    this.timeout?.cancel();
    this.timeout = queue.add(this);
  }
}
