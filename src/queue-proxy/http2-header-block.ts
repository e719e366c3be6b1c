import { ConnectionError, demand, errorCode, flag, maxWindow } from "./codec/http2-frames.ts";

/** As Go's DefaultMaxHeaderBytes. */
export const maxHeaderList = 1024 * 1024;
/** A header block may come in this many frames. */
const maxContinuations = 256;

/** Takes a whole header block. */
export type TakeBlock = (stream: number, endStream: boolean, block: Buffer) => void;

/** Puts header blocks together from HEADERS and CONTINUATION. Every method throws ConnectionError. */
export class HeaderBlockReader {
  private readonly take: TakeBlock;
  private open: { stream: number; endStream: boolean; parts: Buffer[]; size: number; frames: number } | undefined;

  constructor(take: TakeBlock) {
    this.take = take;
  }

  /** Whether a block has begun: only its CONTINUATION may come now. */
  get unfinished(): boolean {
    return this.open !== undefined;
  }

  headers(flags: number, stream: number, payload: Buffer): void {
    demand(stream !== 0, errorCode.protocol, "HEADERS on stream 0");
    let start = 0;
    let end = payload.length;
    if (flags & flag.padded) {
      demand(payload.length >= 1, errorCode.frameSize, "short HEADERS");
      end -= payload[0]!;
      start = 1;
    }
    if (flags & flag.priority) {
      demand(end - start >= 5, errorCode.frameSize, "short HEADERS");
      demand((payload.readUInt32BE(start) & maxWindow) !== stream, errorCode.protocol, "stream depends on itself");
      start += 5;
    }
    demand(end >= start, errorCode.protocol, "padding exceeds the frame");
    const part = end - start === payload.length ? payload : payload.subarray(start, end);
    const endStream = (flags & flag.endStream) !== 0;
    if (flags & flag.endHeaders) this.take(stream, endStream, part);
    else this.open = { stream, endStream, parts: [Buffer.from(part)], size: part.length, frames: 0 };
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
    this.take(stream, block.endStream, Buffer.concat(block.parts));
  }
}
