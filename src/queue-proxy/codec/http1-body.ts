import type { BodyLength } from "../message.ts";
import type { HeaderList } from "./headers.ts";
import { ProtocolError, parseTrailers } from "./http1-parser.ts";

const maxSizeDigits = 8;
/** Bytes of chunk extensions allowed in one message: they carry nothing that we pass on. */
const maxExtensionBytes = 16 * 1024;
const maxTrailerBytes = 64 * 1024;
/** Parts of a piece up to this size are copied to be lent. */
const maxCopied = 512;

const states = {
  size: 0,
  extension: 1,
  sizeLineFeed: 2,
  data: 3,
  dataReturn: 4,
  dataLineFeed: 5,
  trailers: 6,
} as const;

/** Receives a body's pieces. */
export interface BodySink {
  /** The bytes are lent until this returns. */
  takeBody(chunk: Uint8Array): void;
  takeEnd(trailers?: HeaderList): void;
}

/** Decodes a connection's HTTP/1 bodies, one after the other, fed with bytes in any pieces. */
export class Http1BodyDecoder {
  private sink: BodySink | undefined;
  private chunked = false;
  private remaining = 0;
  private state: number = states.size;
  private digits = 0;
  private extensionBytes = 0;
  private trailerText = "";

  /**
   * Starts a body. `sink.takeEnd` is called exactly once, inside `feed`, or in here for a body of length zero. Length
   * "close" never ends by itself.
   */
  begin(length: BodyLength | "close", sink: BodySink): void {
    this.sink = sink;
    this.chunked = length === "unknown";
    this.remaining = length === "unknown" ? 0 : length === "close" ? Number.POSITIVE_INFINITY : length;
    this.state = states.size;
    this.digits = 0;
    this.extensionBytes = 0;
    this.trailerText = "";
    if (length === 0) this.finish();
  }

  /** Whether no body is under way. */
  get ended(): boolean {
    return this.sink === undefined;
  }

  /** Takes bytes from `offset` and returns the offset of the first byte after the body. Throws ProtocolError. */
  feed(bytes: Buffer, offset: number): number {
    const { sink } = this;
    if (!sink || offset >= bytes.length) return offset;
    if (this.chunked) return this.feedChunked(sink, bytes, offset);
    const end = Math.min(bytes.length, offset + this.remaining);
    this.remaining -= end - offset;
    sink.takeBody(part(bytes, offset, end));
    if (this.remaining === 0) this.finish();
    return end;
  }

  private finish(trailers?: HeaderList): void {
    const sink = this.sink!;
    this.sink = undefined;
    sink.takeEnd(trailers);
  }

  private feedChunked(sink: BodySink, bytes: Buffer, start: number): number {
    let offset = start;
    while (offset < bytes.length && !this.ended) {
      if (this.state === states.data) {
        const end = Math.min(bytes.length, offset + this.remaining);
        this.remaining -= end - offset;
        sink.takeBody(part(bytes, offset, end));
        offset = end;
        if (this.remaining === 0) this.state = states.dataReturn;
        continue;
      }
      this.takeFraming(bytes[offset++]!);
    }
    return offset;
  }

  private takeFraming(byte: number): void {
    switch (this.state) {
      case states.size:
        this.takeSize(byte);
        return;
      case states.extension:
        if (byte === 13) this.state = states.sizeLineFeed;
        else if (byte < 0x20 ? byte !== 9 : byte === 0x7f) throw new ProtocolError(400, "invalid chunk extension");
        else if (++this.extensionBytes > maxExtensionBytes) throw new ProtocolError(400, "chunk extensions too long");
        return;
      case states.sizeLineFeed:
        expect(byte, 10);
        this.digits = 0;
        this.state = this.remaining === 0 ? states.trailers : states.data;
        return;
      case states.dataReturn:
        expect(byte, 13);
        this.state = states.dataLineFeed;
        return;
      case states.dataLineFeed:
        expect(byte, 10);
        this.state = states.size;
        return;
      default:
        this.takeTrailer(byte);
        return;
    }
  }

  private takeSize(byte: number): void {
    const digit = hexValue(byte);
    if (digit >= 0) {
      if (++this.digits > maxSizeDigits) throw new ProtocolError(400, "chunk size too large");
      this.remaining = this.remaining * 16 + digit;
      return;
    }
    if (this.digits === 0) throw new ProtocolError(400, "invalid chunk size");
    if (byte === 13) this.state = states.sizeLineFeed;
    else if (byte === 0x3b) this.state = states.extension;
    else throw new ProtocolError(400, "invalid chunk size");
  }

  private takeTrailer(byte: number): void {
    this.trailerText += String.fromCharCode(byte);
    if (this.trailerText.length > maxTrailerBytes) throw new ProtocolError(431, "trailers too long");
    if (byte !== 10) return;
    if (this.trailerText === "\r\n") {
      this.finish();
      return;
    }
    if (this.trailerText.endsWith("\r\n\r\n")) {
      this.finish(parseTrailers(this.trailerText));
      return;
    }
    if (!this.trailerText.endsWith("\r\n")) throw new ProtocolError(400, "bare line feed in trailers");
  }
}

const lent = Buffer.allocUnsafeSlow(maxCopied);
/** Views of `lent`, by their length. */
const views: Buffer[] = [];

/**
 * A part of received bytes, lent as they are. A short one is copied to where there are views already: the first view of a
 * small buffer makes Bun move it out of its heap, which is dearer than the copy and two objects more.
 */
function part(bytes: Buffer, start: number, end: number): Buffer {
  const length = end - start;
  if (length === bytes.length) return bytes;
  if (length > maxCopied) return bytes.subarray(start, end);
  views[length] ??= lent.subarray(0, length);
  bytes.copy(lent, 0, start, end);
  return views[length];
}

function expect(byte: number, wanted: number): void {
  if (byte !== wanted) throw new ProtocolError(400, "malformed chunked encoding");
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
