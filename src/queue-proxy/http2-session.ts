import type { Clock } from "../lib/clock.ts";
import type { BatchedWriter } from "./batch.ts";
import { HpackError } from "./codec/hpack.ts";
import { ConnectionError, errorCode, frameHeader, frameType, wordsFrame } from "./codec/http2-frames.ts";
import type { Http2Headers } from "./codec/http2-headers.ts";
import { Patience } from "./http2-patience.ts";
import { Http2Receiver } from "./http2-receiver.ts";
import { Http2Sender } from "./http2-sender.ts";
import { applySettings, makeSettings } from "./http2-settings.ts";
import { Http2Stream } from "./http2-stream.ts";
import { Http2Streams } from "./http2-streams.ts";
import { ReceiveWindow, streamWindow } from "./http2-windows.ts";

const maxRememberedResets = 256;

/** What a session's owner does with streams. */
export interface SessionOwner {
  /** A header block came for a stream that is not open. Returns its stream, or undefined when it was dealt with. */
  open(id: number, headers: Http2Headers, endStream: boolean): void;
  /** The peer will not answer streams after `lastStream`. */
  goaway(lastStream: number): void;
  /** A stream is over. */
  streamClosed(stream: Http2Stream): void;
  settingsChanged(): void;
  /** The connection is lost; every stream has been told. */
  lost(error: Error | undefined): void;
}

/** What both ends of an HTTP/2 connection have in common: its streams, its beginning and its end. */
export class Http2Session {
  readonly owner: SessionOwner;
  readonly streams = new Http2Streams();
  readonly sender: Http2Sender;
  readonly window: ReceiveWindow;
  readonly patience: Patience;
  /** The highest stream number that the peer has opened (server) or that we have opened (client). */
  lastStream = 0;
  closed = false;

  private readonly receiver: Http2Receiver;
  private readonly resets = new Set<number>();

  /** `maxStreams`: how many streams the peer may open; undefined: we are the client. */
  constructor(owner: SessionOwner, writer: BatchedWriter, clock: Clock, maxStreams: number | undefined) {
    this.owner = owner;
    this.sender = new Http2Sender(writer);
    this.window = new ReceiveWindow(writer);
    this.patience = new Patience(clock);
    this.receiver = new Http2Receiver(this);
    writer.copy(makeSettings(maxStreams));
    this.window.open();
  }

  // --- the connection's events

  feed(bytes: Buffer): void {
    if (this.closed) return;
    try {
      this.receiver.feed(bytes);
    } catch (error) {
      this.failWith(error);
    }
  }

  /** See Http2Receiver. */
  get begun(): number | undefined {
    return this.receiver.begun;
  }

  /** The connection is gone: tells every stream. */
  lose(error?: Error): void {
    if (this.closed) return;
    this.closed = true;
    const streams = this.streams.all();
    this.streams.clear();
    this.sender.close();
    for (const stream of streams) stream.lost(error);
    this.owner.lost(error);
  }

  /** Says goodbye with a reason and cuts the connection. */
  fail(code: number, message: string): void {
    if (this.closed) return;
    const text = Buffer.from(message);
    const frame = wordsFrame(frameType.goaway, 0, 0, [this.lastStream, code]);
    frameHeader(8 + text.length, frameType.goaway, 0, 0).copy(frame);
    this.sender.writer.copy(Buffer.concat([frame, text]));
    this.lose(new ConnectionError(code, message));
  }

  /** Runs code on behalf of the peer; its protocol errors end the connection. */
  guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.failWith(error);
    }
  }

  private failWith(error: unknown): void {
    if (error instanceof ConnectionError) this.fail(error.code, error.message);
    else if (error instanceof HpackError) this.fail(errorCode.compression, error.message);
    else throw error;
  }

  /** Takes the peer's settings from a SETTINGS payload. Throws ConnectionError. */
  applySettings(payload: Buffer): void {
    applySettings(payload, this.sender, this.streams.all());
  }

  // --- streams

  /** Registers a stream that is open from now on. */
  add(id: number): Http2Stream {
    const stream = new Http2Stream(this, id, this.sender.peerInitialWindow, streamWindow);
    this.streams.add(stream);
    return stream;
  }

  /** Ends a stream at once. `tell`: its receiver does not know yet. */
  resetStream(stream: Http2Stream, code: number, tell: boolean): void {
    if (stream.closed) return;
    this.remove(stream);
    this.resets.add(stream.id);
    if (this.resets.size > maxRememberedResets) this.resets.delete(this.resets.values().next().value!);
    this.sendReset(stream.id, code);
    if (tell) {
      this.patience.nuisance();
      stream.reset(code);
    }
  }

  /** Whether we ended the stream ourselves, so that the peer may not know yet. */
  wasReset(id: number): boolean {
    return this.resets.has(id);
  }

  sendReset(id: number, code: number): void {
    this.sender.control(frameType.reset, 0, id, [code]);
  }

  /** Forgets a stream. */
  remove(stream: Http2Stream): void {
    if (stream.closed) return;
    stream.closed = true;
    this.streams.remove(stream);
    this.sender.forget(stream);
    const unused = stream.takeWithheld();
    if (unused > 0) this.credit(undefined, unused);
    this.owner.streamClosed(stream);
  }

  /** Bytes were used up: the peer may send as many more. */
  credit(stream: Http2Stream | undefined, bytes: number): void {
    if (!this.closed) this.window.credit(stream, bytes);
  }
}
