import { BatchedWriter } from "./batch.ts";
import { HeadBuffer } from "./codec/head-buffer.ts";
import type { HeaderList } from "./codec/headers.ts";
import { type BodySink, Http1BodyDecoder } from "./codec/http1-body.ts";
import { malformedResponse, ProtocolError, parseResponseHead } from "./codec/http1-parser.ts";
import { lastChunk, requestHead } from "./codec/http1-writer.ts";
import type { Deadline, Expiring } from "./deadlines.ts";
import type { OutgoingHead, OutgoingRequest, ResponseConsumer } from "./message.ts";
import type { Connection, ConnectionEvents } from "./transport.ts";

const maxResponseHeadBytes = 1024 * 1024;
/** A backend may send this many informational responses before its final one. */
const maxInformational = 100;

/** Who keeps the idle connections. */
export interface ConnectionOwner {
  /** The connection may carry another request. */
  idle(connection: Http1ClientConnection): void;
  /** The connection is of no more use. */
  gone(connection: Http1ClientConnection): void;
}

/** One request on a connection to a backend, and how far its answer has come. */
class Http1Call implements OutgoingRequest, BodySink {
  readonly head: OutgoingHead;
  readonly consumer: ResponseConsumer;
  requestEnded: boolean;
  bodySent = false;
  responseBytes = false;
  /** What of the answer comes next. */
  expects: "head" | "body" | "nothing" | "raw bytes" = "head";
  keepAlive = false;
  closeDelimited = false;
  informational = 0;
  trailers: HeaderList | undefined;
  private readonly connection: Http1ClientConnection;

  constructor(connection: Http1ClientConnection, head: OutgoingHead, consumer: ResponseConsumer) {
    this.connection = connection;
    this.head = head;
    this.consumer = consumer;
    this.requestEnded = head.bodyLength === 0 && head.upgrade === undefined;
  }

  // --- the request

  body(chunk: Uint8Array): boolean {
    return this.connection.writeBody(this, chunk);
  }

  end(trailers?: HeaderList): void {
    this.connection.writeEnd(this, trailers);
  }

  abort(): void {
    this.connection.abort(this);
  }

  pause(): void {
    this.connection.setPaused(this, true);
  }

  resume(): void {
    this.connection.setPaused(this, false);
  }

  // --- the answer's body

  takeBody(chunk: Uint8Array): void {
    this.consumer.body(chunk);
  }

  takeEnd(trailers?: HeaderList): void {
    this.trailers = trailers;
  }
}

/** A connection to a backend that carries one HTTP/1.1 request at a time. */
export class Http1ClientConnection implements ConnectionEvents, Expiring {
  /** While it is idle: when it is closed. */
  keptUntil: Deadline | undefined;
  private readonly connection: Connection;
  private readonly writer: BatchedWriter;
  private readonly owner: ConnectionOwner;
  private readonly head = new HeadBuffer(maxResponseHeadBytes, true);
  private readonly decoder = new Http1BodyDecoder();
  private active: Http1Call | undefined;
  private used = false;
  /** Whether the current request met a connection that may have died of old age. */
  private reused = false;
  private paused = false;
  private peerEnded = false;
  private closed = false;

  constructor(connection: Connection, owner: ConnectionOwner) {
    this.connection = connection;
    this.writer = new BatchedWriter(connection);
    this.owner = owner;
  }

  /** Sends a request; the connection must be idle. */
  send(head: OutgoingHead, consumer: ResponseConsumer): OutgoingRequest {
    this.reused = this.used;
    this.used = true;
    const call = new Http1Call(this, head, consumer);
    this.active = call;
    this.writer.text(requestHead(head));
    return call;
  }

  /** It has been idle for too long. */
  expired(): void {
    this.destroy();
  }

  /** Closes the connection and drops what is unsent. */
  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.owner.gone(this);
    this.writer.destroy();
  }

  data(chunk: Uint8Array): void {
    if (this.closed) return;
    const bytes = chunk instanceof Buffer ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const { active } = this;
    // A backend that speaks unasked is not to be trusted with the next request.
    if (!active) {
      this.destroy();
      return;
    }
    active.responseBytes = true;
    try {
      this.take(active, bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.fail(active, error);
    }
  }

  drain(): void {
    this.writer.drained();
    this.active?.consumer.writable();
  }

  end(): void {
    if (this.closed) return;
    this.peerEnded = true;
    const { active } = this;
    if (!active) {
      this.destroy();
      return;
    }
    if (active.expects === "raw bytes") {
      active.consumer.end();
    } else if (active.closeDelimited) {
      active.keepAlive = false;
      this.finishResponse(active);
    } else {
      this.fail(active, new Error(active.responseBytes ? "unexpected EOF" : "EOF"));
    }
  }

  close(error?: Error): void {
    if (this.closed) return;
    this.closed = true;
    this.owner.gone(this);
    const { active } = this;
    this.active = undefined;
    if (!active) return;
    if (active.expects === "raw bytes" && this.peerEnded) return;
    active.consumer.failed(error ?? new Error("EOF"), this.mayReplay(active));
  }

  private take(active: Http1Call, bytes: Buffer): void {
    let offset = 0;
    while (offset < bytes.length && this.active === active) {
      switch (active.expects) {
        case "raw bytes":
          active.consumer.body(offset === 0 ? bytes : bytes.subarray(offset));
          return;
        case "nothing":
          active.keepAlive = false;
          return;
        case "head":
          offset = this.takeHead(active, bytes, offset);
          break;
        case "body":
          offset = this.decoder.feed(bytes, offset);
      }
      if (this.active === active && active.expects === "body" && this.decoder.ended) {
        // More than was asked for belongs to no request: the connection must not carry another.
        if (offset < bytes.length) active.keepAlive = false;
        this.finishResponse(active);
        return;
      }
    }
  }

  private takeHead(active: Http1Call, bytes: Buffer, offset: number): number {
    const text = this.head.feed(bytes, offset);
    if (text === undefined) {
      const start = this.head.peek(8);
      if (!"HTTP/1.".startsWith(start.slice(0, 7))) throw malformedResponse(this.head.peek(80).split(/\r?\n/)[0]!);
      return bytes.length;
    }
    const head = parseResponseHead(text, active.head.method);
    if (head.status === 101) {
      this.takeSwitch(active, head.headers, head.upgrade);
    } else if (head.status < 200) {
      if (++active.informational > maxInformational)
        throw new ProtocolError(502, "too many 1xx informational responses");
      active.consumer.informational(head.status, head.headers);
    } else {
      active.keepAlive = head.keepAlive;
      active.closeDelimited = head.closeDelimited;
      const bodyless = active.head.method === "HEAD" || head.status === 204 || head.status === 304;
      const length = head.closeDelimited ? "close" : head.bodyLength;
      active.expects = "body";
      active.consumer.head(head);
      if (this.active === active) this.decoder.begin(bodyless ? 0 : length, active);
    }
    return this.head.next;
  }

  private takeSwitch(active: Http1Call, headers: HeaderList, upgrade: string | undefined): void {
    const asked = active.head.upgrade;
    if (asked === undefined || upgrade === undefined || asked.toLowerCase() !== upgrade.toLowerCase()) {
      const text = `backend tried to switch protocol ${JSON.stringify(upgrade ?? "")} when ${JSON.stringify(asked ?? "")} was requested`;
      throw new ProtocolError(502, text);
    }
    active.expects = "raw bytes";
    active.keepAlive = false;
    active.consumer.switched(headers);
  }

  /** The response is over; the request may still be on its way. */
  private finishResponse(active: Http1Call): void {
    if (this.active !== active) return;
    active.expects = "nothing";
    if (active.requestEnded) this.finish(active);
    active.consumer.end(active.trailers);
  }

  private finish(active: Http1Call): void {
    if (this.active !== active) return;
    this.setPaused(active, false);
    this.active = undefined;
    if (active.keepAlive && !this.peerEnded && !this.closed) this.owner.idle(this);
    else this.destroy();
  }

  // --- the call's part

  writeBody(active: Http1Call, chunk: Uint8Array): boolean {
    if (this.active !== active || chunk.length === 0) return true;
    active.bodySent = true;
    if (active.expects === "raw bytes" || active.head.bodyLength !== "unknown") return this.writer.bytes(chunk);
    this.writer.text(`${chunk.length.toString(16)}\r\n`);
    this.writer.bytes(chunk);
    return this.writer.text("\r\n");
  }

  writeEnd(active: Http1Call, trailers?: HeaderList): void {
    if (this.active !== active) return;
    if (active.expects === "raw bytes") {
      this.writer.end();
      return;
    }
    if (active.requestEnded) return;
    active.requestEnded = true;
    if (active.head.bodyLength === "unknown") this.writer.text(lastChunk(trailers));
    if (active.expects === "nothing") this.finish(active);
  }

  abort(active: Http1Call): void {
    if (this.active !== active) return;
    this.active = undefined;
    this.destroy();
  }

  setPaused(active: Http1Call, paused: boolean): void {
    if (this.active !== active || this.paused === paused || this.closed) return;
    this.paused = paused;
    if (paused) this.connection.pause();
    else this.connection.resume();
  }

  private fail(active: Http1Call, error: Error): void {
    this.active = undefined;
    const replayable = this.mayReplay(active);
    this.destroy();
    active.consumer.failed(error, replayable);
  }

  private mayReplay(active: Http1Call): boolean {
    return this.reused && !active.responseBytes && !active.bodySent && active.head.bodyLength === 0;
  }
}
