import type { Clock } from "../lib/clock.ts";
import { answer } from "./answer.ts";
import { BatchedWriter } from "./batch.ts";
import { normaliseTarget } from "./codec/http1-parser.ts";
import { ConnectionError, errorCode, frameType, preface } from "./codec/http2-frames.ts";
import type { Http2Headers } from "./codec/http2-headers.ts";
import type { Deadline, Expiring } from "./deadlines.ts";
import type { ServerConnection, ServerOptions } from "./http1-server.ts";
import { maxHeaderList } from "./http2-header-block.ts";
import { RequestReceiver, StreamResponder } from "./http2-responder.ts";
import { Http2Session, type SessionOwner } from "./http2-session.ts";
import type { Http2Stream } from "./http2-stream.ts";
import type { RequestConsumer, RequestHead, Responder } from "./message.ts";
import type { Connection, ConnectionEvents } from "./transport.ts";

/** As Go's HTTP/2 server. */
const maxStreams = 250;
const methodPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const pathPattern = /^[\x21-\x7e\x80-\xff]+$/;
const authorityPattern = /^[!$%&'()*+,\-.:;=[\]_~0-9A-Za-z]*$/;

/** Serves one HTTP/2 connection. */
export class Http2ServerConnection implements ConnectionEvents, ServerConnection, SessionOwner, Expiring {
  private readonly connection: Connection;
  private readonly options: ServerOptions;
  private readonly writer: BatchedWriter;
  private readonly session: Http2Session;
  private prefaceLeft = preface.length;
  private stopping = false;
  private closed = false;
  /** What the peer has begun and must end in time. */
  private begun: number | undefined = 0;
  private finishing = false;
  private timeout: Deadline | undefined;

  constructor(
    connection: Connection,
    options: ServerOptions,
    clock: Clock,
    writer = new BatchedWriter(connection, "turn"),
  ) {
    this.connection = connection;
    this.options = options;
    this.writer = writer;
    this.session = new Http2Session(this, writer, clock, maxStreams);
    options.connections.add(this);
    this.timeout = this.limit();
  }

  // --- events of the connection

  data(chunk: Uint8Array): void {
    let bytes = chunk instanceof Buffer ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    if (this.prefaceLeft > 0) {
      const taken = Math.min(this.prefaceLeft, bytes.length);
      const start = preface.length - this.prefaceLeft;
      if (!bytes.subarray(0, taken).equals(preface.subarray(start, start + taken))) {
        this.session.fail(errorCode.protocol, "bad preface");
        return;
      }
      this.prefaceLeft -= taken;
      bytes = bytes.subarray(taken);
    }
    if (bytes.length > 0) this.session.feed(bytes);
    const { begun } = this.session;
    if (begun === this.begun || this.finishing) return;
    this.begun = begun;
    this.timeout?.cancel();
    this.timeout = begun === undefined ? undefined : this.limit();
  }

  drain(): void {
    this.session.sender.drained();
  }

  end(): void {
    // An HTTP/2 client that closes its side can end no stream any more.
    this.session.lose();
  }

  close(error?: Error): void {
    this.closed = true;
    this.timeout?.cancel();
    this.options.connections.delete(this);
    this.session.lose(error);
  }

  shutdown(): void {
    if (this.stopping || this.session.closed) return;
    this.stopping = true;
    this.session.sender.control(frameType.goaway, 0, 0, [this.session.lastStream, errorCode.none]);
    if (this.session.streams.size === 0) this.finish();
  }

  /** Serves the request that asked for the upgrade from HTTP/1.1 as stream 1. `settings`: the HTTP2-Settings header. */
  startUpgraded(request: RequestHead, settings: string): void {
    this.session.guard(() => this.session.applySettings(Buffer.from(settings, "base64url")));
    this.session.lastStream = 1;
    const stream = this.session.add(1);
    stream.remoteEnded = true;
    this.serve(stream, request)?.end();
  }

  // --- the session's owner

  open(id: number, headers: Http2Headers, endStream: boolean): void {
    const { session } = this;
    if (id % 2 === 0) throw new ConnectionError(errorCode.protocol, "even stream number from a client");
    if (id <= session.lastStream) throw new ConnectionError(errorCode.streamClosed, "HEADERS on a closed stream");
    session.lastStream = id;
    if (this.stopping || session.streams.size >= maxStreams) {
      session.patience.nuisance();
      session.sendReset(id, errorCode.refusedStream);
      return;
    }
    const stream = session.add(id);
    if (headers.size > maxHeaderList) {
      answer(this.makeResponder(stream, "GET"), 431, "");
      stream.takeEnd(undefined);
      if (!stream.closed) session.resetStream(stream, errorCode.none, false);
      return;
    }
    const request = this.parseRequest(headers, endStream);
    if (!request) {
      session.patience.nuisance();
      session.resetStream(stream, errorCode.protocol, false);
      return;
    }
    stream.expected = headers.contentLength;
    this.serve(stream, request);
    if (endStream) stream.takeEnd(undefined);
  }

  goaway(): void {}

  settingsChanged(): void {}

  streamClosed(): void {
    if (this.stopping && this.session.streams.size === 0) this.finish();
  }

  lost(): void {
    if (!this.closed) this.finish();
  }

  /** A peer has as long for the preface with SETTINGS, and for each header block, as for a head of HTTP/1. */
  private limit(): Deadline {
    return this.options.headTimeouts.add(this);
  }

  expired(): void {
    this.writer.destroy();
  }

  private finish(): void {
    this.finishing = true;
    this.timeout?.cancel();
    this.writer.end(() => {
      if (!this.closed) this.timeout = this.options.lingers.add(this);
    });
  }

  private parseRequest(headers: Http2Headers, endStream: boolean): RequestHead | undefined {
    const { method = "", path = "" } = headers;
    const host = headers.authority ?? headers.host ?? "";
    if (headers.malformed !== undefined || headers.status !== undefined || headers.scheme === undefined)
      return undefined;
    if (!methodPattern.test(method) || !pathPattern.test(path) || !authorityPattern.test(host)) return undefined;
    if (!path.startsWith("/") && !(path === "*" && method === "OPTIONS")) return undefined;
    if (method === "CONNECT" || (endStream && headers.contentLength)) return undefined;
    let target: string;
    try {
      target = normaliseTarget(path);
    } catch {
      return undefined;
    }
    return {
      method,
      target,
      requestUri: path,
      host,
      protocol: "HTTP/2.0",
      headers: headers.headers,
      bodyLength: headers.bodyLength(endStream),
      upgrade: undefined,
      secure: this.connection.secure,
      remoteAddress: this.connection.remoteAddress,
    };
  }

  private serve(stream: Http2Stream, request: RequestHead): RequestConsumer | undefined {
    const receiver = new RequestReceiver(stream);
    stream.receiver = receiver;
    const responder = this.makeResponder(stream, request.method);
    if (request.target === "*") {
      answer(responder, 200, "");
      return undefined;
    }
    receiver.consumer = this.options.handler(request, responder);
    return receiver.consumer;
  }

  private makeResponder(stream: Http2Stream, method: string): Responder {
    return new StreamResponder(this.session, stream, method, this.options.date);
  }
}
