import { HeaderList, names } from "./codec/headers.ts";
import type { BodySink } from "./codec/http1-body.ts";
import type { Http1RequestHead, ProtocolError } from "./codec/http1-parser.ts";
import { informationalHead, lastChunk, type ResponseFraming, refusal, responseHead } from "./codec/http1-writer.ts";
import type { Http1ServerConnection } from "./http1-server.ts";
import type { RequestConsumer, RequestHead, Responder, ResponseHead } from "./message.ts";

/** Unread request body that is worth reading to keep a connection (Go's server uses the same figure). */
const maxDiscardedBytes = 256 * 1024;

/** One request and its answer on an HTTP/1 connection. */
export class Http1Exchange implements Responder, BodySink {
  private readonly server: Http1ServerConnection;
  private readonly request: Http1RequestHead;
  private consumer: RequestConsumer | undefined;
  private discarded = 0;
  private continueOwed: boolean;
  private requestEnded = false;
  private responded = false;
  private responseEnded = false;
  private framing: ResponseFraming | "tunnel" = "none";
  private responseLeft = 0;
  private keepAlive: boolean;
  private done = false;

  constructor(server: Http1ServerConnection, request: Http1RequestHead) {
    this.server = server;
    this.request = request;
    this.keepAlive = request.keepAlive;
    this.continueOwed = request.expectContinue && request.bodyLength !== 0;
  }

  start(): void {
    const { request } = this;
    if (request.target === "*") {
      // Go's server answers `OPTIONS *` itself.
      this.head({ status: 200, headers: new HeaderList(), bodyLength: 0 });
      this.end();
    } else {
      const consumer = this.server.options.handler(request, this);
      if (!this.done && !this.responseEnded) this.consumer = consumer;
    }
    if (!this.done) this.server.decoder.begin(request.bodyLength, this);
  }

  // --- the request's body

  takeBody(chunk: Uint8Array): void {
    this.continueOwed = false;
    if (!this.responseEnded) this.consumer?.body(chunk);
  }

  takeEnd(trailers?: HeaderList): void {
    this.requestEnded = true;
    this.continueOwed = false;
    if (this.responseEnded) this.finish();
    else this.consumer?.end(trailers);
  }

  pause(): void {
    if (!this.done) this.server.setPaused(true, "consumer");
  }

  resume(): void {
    if (!this.done) this.server.setPaused(false, "consumer");
  }

  continueBody(): void {
    if (!this.continueOwed || this.responded || !this.writing) return;
    this.continueOwed = false;
    this.server.writer.text(informationalHead(100, new HeaderList()));
  }

  // --- the connection's events

  /** Whether arriving bytes belong to this exchange. */
  get wantsBytes(): boolean {
    return this.framing === "tunnel" || !this.requestEnded;
  }

  /** Takes request bytes and returns the offset after those used. Throws ProtocolError. */
  feed(bytes: Buffer, offset: number): number {
    if (this.framing === "tunnel") {
      this.consumer?.body(offset === 0 ? bytes : bytes.subarray(offset));
      return bytes.length;
    }
    const next = this.server.decoder.feed(bytes, offset);
    if (this.responseEnded && !this.done) {
      this.discarded += next - offset;
      if (this.discarded > maxDiscardedBytes) this.finish();
    }
    return next;
  }

  writable(): void {
    if (!this.responseEnded) this.consumer?.writable();
  }

  /**
   * The client closed its writing side. As in Go's server that cancels a request under way, so that a client that went
   * away does not hold a slot; one that still reads is told.
   */
  clientEnded(): void {
    if (this.framing === "tunnel") {
      this.consumer?.end();
      return;
    }
    if (this.responseEnded) {
      this.finish();
      return;
    }
    this.detach();
    if (this.responded || !this.requestEnded) {
      this.abort();
      return;
    }
    this.keepAlive = false;
    const headers = new HeaderList();
    headers.add(names.contentType, "text/plain; charset=utf-8");
    headers.add(names.contentTypeOptions, "nosniff");
    const text = Buffer.from("context canceled\n");
    this.head({ status: 502, headers, bodyLength: text.length });
    this.body(text);
    this.end();
  }

  /** The connection is gone: nobody reads the answer. */
  abandon(): void {
    this.done = true;
    this.detach();
  }

  private detach(): void {
    const consumer = this.consumer;
    this.consumer = undefined;
    consumer?.aborted();
  }

  /** The client broke the protocol in its body. */
  refuse(error: ProtocolError): void {
    const untold = !this.responded;
    this.abandon();
    if (this.responded && !this.responseEnded) {
      this.server.destroy();
      return;
    }
    if (untold) this.server.writer.text(refusal(error.status, error.message));
    this.server.finish();
  }

  // --- the answer

  private get writing(): boolean {
    return !this.done && !this.responseEnded;
  }

  informational(status: number, headers: HeaderList): void {
    if (this.writing && this.request.protocol === "HTTP/1.1")
      this.server.writer.text(informationalHead(status, headers));
  }

  switchProtocols(headers: HeaderList): void {
    if (!this.writing) return;
    this.responded = true;
    this.framing = "tunnel";
    this.server.writer.text(informationalHead(101, headers));
  }

  head(head: ResponseHead): void {
    if (!this.writing || this.responded) return;
    this.responded = true;
    const { method, protocol } = this.request;
    const framing = responseFraming(method, protocol, head);
    this.framing = framing;
    this.responseLeft = framing === "length" ? (head.bodyLength as number) : 0;
    if (framing === "close" || this.server.lastExchange) this.keepAlive = false;
    // A client that still waits for `100 Continue` may or may not send its body now: only a new connection is clear.
    if (this.continueOwed) this.keepAlive = false;
    if (!head.headers.has(names.date)) head.headers.add(names.date, this.server.options.date());
    this.server.writer.text(responseHead(head, framing, protocol, this.keepAlive));
  }

  body(chunk: Uint8Array): boolean {
    if (!this.writing) return true;
    const { writer } = this.server;
    if (this.framing === "tunnel") return writer.bytes(chunk);
    if (this.framing === "none" || chunk.length === 0) return true;
    if (this.framing === "chunked") {
      writer.text(`${chunk.length.toString(16)}\r\n`);
      writer.bytes(chunk);
      return writer.text("\r\n");
    }
    if (this.framing === "length") {
      this.responseLeft -= chunk.length;
      if (this.responseLeft < 0) {
        this.abort();
        return true;
      }
    }
    return writer.bytes(chunk);
  }

  end(trailers?: HeaderList): void {
    if (!this.writing) return;
    if (this.framing === "tunnel") {
      this.done = true;
      this.server.finish();
      return;
    }
    if (this.framing === "length" && this.responseLeft !== 0) {
      this.abort();
      return;
    }
    if (this.framing === "chunked") this.server.writer.text(lastChunk(trailers));
    this.responseEnded = true;
    this.consumer = undefined;
    this.server.setPaused(false, "consumer");
    if (this.requestEnded || !this.keepAlive) this.finish();
  }

  abort(): void {
    if (this.done) return;
    this.done = true;
    this.consumer = undefined;
    this.server.destroy();
  }

  private finish(): void {
    if (this.done) return;
    this.done = true;
    this.consumer = undefined;
    this.server.exchangeDone(this.keepAlive && this.requestEnded && this.responseEnded);
  }
}

/** How an answer's body is told from what follows it. */
function responseFraming(method: string, protocol: RequestHead["protocol"], head: ResponseHead): ResponseFraming {
  if (method === "HEAD" || head.status === 204 || head.status === 304) return "none";
  if (typeof head.bodyLength === "number") return "length";
  return protocol === "HTTP/1.1" ? "chunked" : "close";
}
