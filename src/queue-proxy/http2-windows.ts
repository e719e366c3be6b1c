import type { BatchedWriter } from "./batch.ts";
import { defaultWindow, demand, errorCode, frameType, wordsFrame } from "./codec/http2-frames.ts";
import type { Http2Stream } from "./http2-stream.ts";

/**
 * What one stream, and all streams of a connection together, may have under way towards us. Not a round number: Node's
 * HTTP/2 server resets a stream whose last byte used up the window before it has sent the empty frame that ends it.
 */
export const streamWindow = 256 * 1024 + 7;
const connectionWindow = 1024 * 1024;

/** What the peer may send: the connection's window, and the updates of it and of the streams' windows. */
export class ReceiveWindow {
  private readonly writer: BatchedWriter;
  private left = connectionWindow;
  private unacknowledged = 0;

  constructor(writer: BatchedWriter) {
    this.writer = writer;
  }

  /** Raises the connection's window from HTTP/2's default to ours. */
  open(): void {
    this.writer.copy(wordsFrame(frameType.windowUpdate, 0, 0, [connectionWindow - defaultWindow]));
  }

  /** Bytes arrive. Throws ConnectionError when they are more than was allowed. */
  take(bytes: number): void {
    this.left -= bytes;
    demand(this.left >= 0, errorCode.flowControl, "connection window exceeded");
  }

  /** Bytes were used up: the peer may send as many more. */
  credit(stream: Http2Stream | undefined, bytes: number): void {
    this.unacknowledged += bytes;
    if (this.unacknowledged >= connectionWindow / 4) {
      this.writer.copy(wordsFrame(frameType.windowUpdate, 0, 0, [this.unacknowledged]));
      this.left += this.unacknowledged;
      this.unacknowledged = 0;
    }
    if (!stream || stream.remoteEnded || stream.closed) return;
    stream.unacknowledged += bytes;
    if (stream.unacknowledged >= streamWindow / 4) {
      this.writer.copy(wordsFrame(frameType.windowUpdate, 0, stream.id, [stream.unacknowledged]));
      stream.receiveWindow += stream.unacknowledged;
      stream.unacknowledged = 0;
    }
  }
}
