import { ConnectionError, demand, errorCode, flag, maxWindow } from "./codec/http2-frames.ts";

/** As Go's DefaultMaxHeaderBytes. */
export const maxHeaderList = 1024 * 1024;
/** A header block may come in this many frames. */
const maxContinuations = 256;

/** Takes a whole header block, which lies in `bytes` from `start` to `end`. */
export interface BlockSink {
  block(stream: number, endStream: boolean, bytes: Buffer, start: number, end: number): void;
}

/** Puts header blocks together from HEADERS and CONTINUATION. Every method throws ConnectionError. */
export class HeaderBlockReader {
  private readonly sink: BlockSink;
  private open: { stream: number; endStream: boolean; parts: Buffer[]; size: number; frames: number } | undefined;

  constructor(sink: BlockSink) {
    this.sink = sink;
  }

  /** Whether a block has begun: only its CONTINUATION may come now. */
  get unfinished(): boolean {
    return this.open !== undefined;
  }

  /** The frame's payload lies in `bytes` from `payloadStart` to `payloadEnd`. */
  headers(flags: number, stream: number, bytes: Buffer, payloadStart: number, payloadEnd: number): void {
    demand(stream !== 0, errorCode.protocol, "HEADERS on stream 0");
    let start = payloadStart;
    let end = payloadEnd;
    if (flags & flag.padded) {
      demand(end > start, errorCode.frameSize, "short HEADERS");
      end -= bytes[start]!;
      start++;
    }
    if (flags & flag.priority) {
      demand(end - start >= 5, errorCode.frameSize, "short HEADERS");
      demand((bytes.readUInt32BE(start) & maxWindow) !== stream, errorCode.protocol, "stream depends on itself");
      start += 5;
    }
    demand(end >= start, errorCode.protocol, "padding exceeds the frame");
    const endStream = (flags & flag.endStream) !== 0;
    if (flags & flag.endHeaders) {
      this.sink.block(stream, endStream, bytes, start, end);
    } else {
      const parts = [Buffer.from(bytes.subarray(start, end))];
      this.open = { stream, endStream, parts, size: end - start, frames: 0 };
    }
  }

  continuation(flags: number, stream: number, payload: Buffer): void {
    const block = this.open;
    if (!block || block.stream !== stream) throw new ConnectionError(errorCode.protocol, "unexpected CONTINUATION");
    block.parts.push(Buffer.from(payload));
    block.size += payload.length;
    if (block.size > maxHeaderList || ++block.frames > maxContinuations) {
      throw new ConnectionError(errorCode.enhanceYourCalm, "header block too large");
    }
    if (!(flags & flag.endHeaders)) return;
    this.open = undefined;
    this.sink.block(stream, block.endStream, Buffer.concat(block.parts), 0, block.size);
  }
}
