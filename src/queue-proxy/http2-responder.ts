import { type HeaderList, names } from "./codec/headers.ts";
import { errorCode } from "./codec/http2-frames.ts";
import { encodeResponse, type Http2Headers } from "./codec/http2-headers.ts";
import type { Http2Session } from "./http2-session.ts";
import type { Http2Stream, StreamReceiver } from "./http2-stream.ts";
import type { RequestConsumer, Responder, ResponseHead } from "./message.ts";

/** Hands what follows a request's head to its consumer. */
export class RequestReceiver implements StreamReceiver {
  consumer: RequestConsumer | undefined;
  private readonly stream: Http2Stream;

  constructor(stream: Http2Stream) {
    this.stream = stream;
  }

  headers(trailers: Http2Headers, endStream: boolean): string | undefined {
    if (!endStream || trailers.pseudoCount > 0) return "trailers without END_STREAM";
    this.stream.takeEnd(trailers.headers);
    return undefined;
  }

  body(chunk: Uint8Array): void {
    this.consumer?.body(chunk);
  }

  end(trailers?: HeaderList): void {
    this.consumer?.end(trailers);
  }

  writable(): void {
    this.consumer?.writable();
  }

  reset(): void {
    this.consumer?.aborted();
  }

  lost(): void {
    this.consumer?.aborted();
  }
}

/** Writes one answer to a stream. */
export class StreamResponder implements Responder {
  private readonly session: Http2Session;
  private readonly stream: Http2Stream;
  private readonly method: string;
  private readonly date: () => string;
  private headSent = false;
  private bodyless = false;

  constructor(session: Http2Session, stream: Http2Stream, method: string, date: () => string) {
    this.session = session;
    this.stream = stream;
    this.method = method;
    this.date = date;
  }

  informational(status: number, headers: HeaderList): void {
    const { sender } = this.session;
    if (this.stream.closed || this.headSent) return;
    encodeResponse(sender.encoder, { status, headers, bodyLength: "unknown" });
    sender.block(this.stream.id, false);
  }

  head(head: ResponseHead): void {
    const { stream, method } = this;
    const { sender } = this.session;
    if (stream.closed || this.headSent) return;
    this.headSent = true;
    this.bodyless = method === "HEAD" || head.status === 204 || head.status === 304 || head.bodyLength === 0;
    if (!head.headers.has(names.date)) head.headers.add(names.date, this.date());
    const sent = method === "HEAD" && head.bodyLength === 0 ? { ...head, bodyLength: "unknown" as const } : head;
    encodeResponse(sender.encoder, sent);
    sender.block(stream.id, this.bodyless);
    if (this.bodyless) stream.finished();
  }

  body(chunk: Uint8Array): boolean {
    return this.bodyless ? true : this.stream.write(chunk);
  }

  end(trailers?: HeaderList): void {
    const { stream } = this;
    stream.finish(trailers);
    // The answer is complete: what the client still sends is not wanted.
    if (stream.localEnded && !stream.remoteEnded) this.session.resetStream(stream, errorCode.none, false);
  }

  abort(): void {
    this.stream.receiver = undefined;
    this.session.resetStream(this.stream, errorCode.internal, false);
  }

  switchProtocols(): void {
    this.session.resetStream(this.stream, errorCode.protocol, true);
  }

  pause(): void {
    this.stream.setPaused(true);
  }

  resume(): void {
    this.stream.setPaused(false);
  }

  continueBody(): void {}
}
