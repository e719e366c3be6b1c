import type { Clock } from "../lib/clock.ts";
import { type Backend, type BackendAddress, type Carrier, dial, nothingToGiveUp, type Passenger } from "./backend.ts";
import { BatchedWriter } from "./batch.ts";
import type { HeaderList } from "./codec/headers.ts";
import { ConnectionError, errorCode, preface } from "./codec/http2-frames.ts";
import { encodeRequest, type Http2Headers } from "./codec/http2-headers.ts";
import { Http2Session, type SessionOwner } from "./http2-session.ts";
import type { Http2Stream } from "./http2-stream.ts";
import type { OutgoingHead, OutgoingRequest, ResponseConsumer } from "./message.ts";
import type { Connection, ConnectionEvents, Network } from "./transport.ts";

/** Stream numbers run out at 2^31; a connection is renewed long before. */
const lastUsableStream = 2 ** 30;
const maxInformational = 100;

/** A connection to a backend that carries many requests (HTTP/2 with prior knowledge). */
export class Http2ClientConnection implements ConnectionEvents, SessionOwner, Carrier {
  private readonly writer: BatchedWriter;
  private readonly session: Http2Session;
  private readonly changed: (connection: Http2ClientConnection) => void;
  private nextStream = 1;
  private goingAway = false;

  /** `changed` is called when the connection may have room again, or is gone. */
  constructor(connection: Connection, clock: Clock, changed: (connection: Http2ClientConnection) => void) {
    this.writer = new BatchedWriter(connection, "turn");
    this.changed = changed;
    this.writer.copy(preface);
    this.session = new Http2Session(this, this.writer, clock, undefined);
  }

  /** Whether another request may start now. */
  get hasRoom(): boolean {
    return this.usable && this.session.streams.size < this.session.sender.peerMaxStreams;
  }

  /** Whether the connection takes requests at all. */
  get usable(): boolean {
    return !this.goingAway && !this.session.closed && this.nextStream < lastUsableStream;
  }

  get idle(): boolean {
    return this.session.streams.size === 0;
  }

  send(head: OutgoingHead, consumer: ResponseConsumer): OutgoingRequest {
    const { session } = this;
    const id = this.nextStream;
    this.nextStream += 2;
    session.lastStream = id;
    const stream = session.add(id);
    stream.receiver = new ResponseReceiver(stream, head, consumer);
    encodeRequest(session.sender.encoder, head);
    session.sender.block(id, head.bodyLength === 0);
    if (head.bodyLength === 0) stream.finished();
    return new StreamRequest(session, stream);
  }

  destroy(): void {
    this.session.lose();
  }

  data(chunk: Uint8Array): void {
    this.session.feed(chunk instanceof Buffer ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
  }

  drain(): void {
    this.session.sender.drained();
  }

  end(): void {
    this.session.lose(new Error("EOF"));
  }

  close(error?: Error): void {
    this.session.lose(error);
  }

  open(id: number): void {
    // Only the client opens streams; an answer to a stream that is over comes late.
    if (id > this.session.lastStream || id % 2 === 0) {
      throw new ConnectionError(errorCode.protocol, "HEADERS on an idle stream");
    }
    this.session.patience.nuisance();
  }

  goaway(lastStream: number): void {
    this.goingAway = true;
    for (const stream of this.session.streams.all()) {
      if (stream.id <= lastStream) continue;
      this.session.remove(stream);
      stream.reset(errorCode.refusedStream);
    }
    if (this.idle) this.destroy();
  }

  settingsChanged(): void {
    this.changed(this);
  }

  streamClosed(): void {
    if (this.goingAway && this.idle) this.destroy();
    else this.changed(this);
  }

  lost(): void {
    this.writer.destroy();
    this.changed(this);
  }
}

/** Writes one request to a stream. */
class StreamRequest implements OutgoingRequest {
  private readonly session: Http2Session;
  private readonly stream: Http2Stream;

  constructor(session: Http2Session, stream: Http2Stream) {
    this.session = session;
    this.stream = stream;
  }

  body(chunk: Uint8Array): boolean {
    return this.stream.write(chunk);
  }

  end(trailers?: HeaderList): void {
    this.stream.finish(trailers);
  }

  abort(): void {
    this.stream.receiver = undefined;
    this.session.resetStream(this.stream, errorCode.cancel, false);
  }

  pause(): void {
    this.stream.setPaused(true);
  }

  resume(): void {
    this.stream.setPaused(false);
  }
}

/** Reads one response off a stream. */
class ResponseReceiver {
  private readonly stream: Http2Stream;
  private readonly head: OutgoingHead;
  private readonly consumer: ResponseConsumer;
  private headSeen = false;
  private informational = 0;

  constructor(stream: Http2Stream, head: OutgoingHead, consumer: ResponseConsumer) {
    this.stream = stream;
    this.head = head;
    this.consumer = consumer;
  }

  headers(headers: Http2Headers, endStream: boolean): string | undefined {
    if (this.headSeen) {
      if (!endStream || headers.pseudoCount > 0) return "trailers without END_STREAM";
      this.stream.takeEnd(headers.headers);
      return undefined;
    }
    const text = headers.status ?? "";
    if (!/^\d{3}$/.test(text) || headers.pseudoCount > 1) return "malformed response pseudo-headers";
    const status = Number(text);
    if (status < 200) {
      if (endStream || status === 101 || ++this.informational > maxInformational)
        return "malformed informational response";
      this.consumer.informational(status, headers.headers);
      return undefined;
    }
    this.headSeen = true;
    const bodyless = this.head.method === "HEAD" || status === 304;
    this.stream.expected = bodyless ? undefined : headers.contentLength;
    this.consumer.head({
      status,
      headers: headers.headers,
      bodyLength: bodyless
        ? (headers.contentLength ?? (this.head.method === "HEAD" ? "unknown" : 0))
        : headers.bodyLength(endStream),
    });
    if (endStream) this.stream.takeEnd(undefined);
    return undefined;
  }

  body(chunk: Uint8Array): void {
    this.consumer.body(chunk);
  }

  end(trailers?: HeaderList): void {
    this.consumer.end(trailers);
  }

  writable(): void {
    this.consumer.writable();
  }

  reset(code: number): void {
    const name = resetNames[code] ?? `unknown error code 0x${code.toString(16)}`;
    const error = new Error(`stream error: stream ID ${this.stream.id}; ${name}; received from peer`);
    this.consumer.failed(error, code === errorCode.refusedStream && !this.headSeen);
  }

  lost(error: Error | undefined): void {
    this.consumer.failed(error ?? new Error("unexpected EOF"), false);
  }
}

const resetNames = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
];

/** HTTP/2 connections to the user container: one, and more when its stream limit is reached. */
export function createHttp2Backend(network: Network, clock: Clock, address: BackendAddress): Backend {
  const connections = new Set<Http2ClientConnection>();
  const waiters = new Set<Passenger>();
  let stopDial: (() => void) | undefined;

  const serveWaiters = () => {
    for (const connection of connections) {
      if (!connection.usable && connection.idle) connections.delete(connection);
    }
    for (const waiter of [...waiters]) {
      const connection = [...connections].find((candidate) => candidate.hasRoom);
      if (!connection) break;
      waiters.delete(waiter);
      waiter.connected(connection);
    }
    if (waiters.size > 0 && !stopDial) startDial();
  };
  const startDial = () => {
    let settled = false;
    const stop = dial(
      network,
      clock,
      address,
      (socket) => {
        settled = true;
        stopDial = undefined;
        const connection = new Http2ClientConnection(socket, clock, serveWaiters);
        connections.add(connection);
        serveWaiters();
        return connection;
      },
      (error) => {
        settled = true;
        stopDial = undefined;
        const failing = [...waiters];
        waiters.clear();
        for (const waiter of failing) waiter.unreachable(error);
      },
    );
    if (!settled) stopDial = stop;
  };
  return {
    acquire(passenger) {
      for (const connection of connections) {
        if (!connection.hasRoom) continue;
        passenger.connected(connection);
        return nothingToGiveUp;
      }
      waiters.add(passenger);
      if (!stopDial) startDial();
      return () => {
        waiters.delete(passenger);
      };
    },
    close() {
      stopDial?.();
      waiters.clear();
      for (const connection of [...connections]) connection.destroy();
    },
  };
}
