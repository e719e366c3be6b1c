import type { BatchedWriter } from "./batch.ts";
import { HpackEncoder } from "./codec/hpack.ts";
import {
  defaultMaxFrame,
  defaultWindow,
  demand,
  errorCode,
  flag,
  frameHeader,
  frameType,
  maxWindow,
  wordsFrame,
} from "./codec/http2-frames.ts";
import type { Http2Stream } from "./http2-stream.ts";

/** The sending side of a connection: the peer's limits, and the streams that wait for its windows or for the socket. */
export class Http2Sender {
  readonly writer: BatchedWriter;
  readonly encoder = new HpackEncoder();
  peerMaxStreams = 100;
  peerInitialWindow = defaultWindow;
  peerMaxFrame = defaultMaxFrame;
  window = defaultWindow;
  /** The socket's buffer is full. */
  congested = false;

  private closed = false;
  private readonly blocked = new Set<Http2Stream>();

  constructor(writer: BatchedWriter) {
    this.writer = writer;
  }

  /** Sends nothing more. */
  close(): void {
    this.closed = true;
    this.blocked.clear();
  }

  /** A frame without a stream's data: `words` are its payload. */
  control(type: number, flags: number, stream: number, words: readonly number[]): void {
    if (!this.closed) this.writer.copy(wordsFrame(type, flags, stream, words));
  }

  /** Sends the encoder's header block in as many frames as it needs, of a size that every peer takes. */
  block(id: number, endStream: boolean): void {
    if (this.closed) return;
    const { bytes, length } = this.encoder;
    let offset = 0;
    do {
      const end = Math.min(length, offset + defaultMaxFrame);
      const last = end === length ? flag.endHeaders : 0;
      const type = offset === 0 ? frameType.headers : frameType.continuation;
      const endFlag = offset === 0 && endStream ? flag.endStream : 0;
      this.writer.copy(frameHeader(end - offset, type, last | endFlag, id));
      this.writer.copyPart(bytes, offset, end);
      offset = end;
    } while (offset < length);
  }

  /** Sends what the windows allow of a stream's queue; the rest waits. */
  flush(stream: Http2Stream): void {
    if (this.closed) return;
    const waits = stream.send();
    if (waits) this.blocked.add(stream);
    else if (this.blocked.delete(stream)) stream.receiver?.writable();
  }

  /** Has the stream told when it may write again. */
  waitFor(stream: Http2Stream): void {
    if (!this.closed && !stream.closed) this.blocked.add(stream);
  }

  forget(stream: Http2Stream): void {
    this.blocked.delete(stream);
  }

  /** The peer takes more bytes on the connection. Throws ConnectionError. */
  widen(bytes: number): void {
    demand(bytes > 0, errorCode.protocol, "empty WINDOW_UPDATE");
    this.window += bytes;
    demand(this.window <= maxWindow, errorCode.flowControl, "window overflow");
    this.flushBlocked();
  }

  /** The socket takes bytes again. */
  drained(): void {
    this.congested = false;
    this.writer.drained();
    this.flushBlocked();
  }

  /** Lets the streams that wait send what they may. */
  flushBlocked(): void {
    for (const stream of [...this.blocked]) {
      if (this.congested || this.window <= 0) return;
      // To the end of the line, so that streams take turns when the connection's window is short.
      this.blocked.delete(stream);
      this.blocked.add(stream);
      this.flush(stream);
    }
  }
}
