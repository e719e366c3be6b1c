/** Frame types of RFC 9113. */
export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** Error codes of RFC 9113. */
export const errorCode = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSize: 6,
  refusedStream: 7,
  cancel: 8,
  compression: 9,
  connect: 10,
  enhanceYourCalm: 11,
  inadequateSecurity: 12,
  http11Required: 13,
} as const;

export const setting = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

/** What a client sends first. */
export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export const frameHeaderSize = 9;
export const maxWindow = 0x7fff_ffff;
export const defaultWindow = 65_535;
export const defaultMaxFrame = 16_384;

/** The whole connection is lost. */
export class ConnectionError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Throws ConnectionError unless the peer kept to the protocol. */
export function demand(condition: boolean, code: number, message: string): asserts condition {
  if (!condition) throw new ConnectionError(code, message);
}

/** Receives whole frames, except DATA, which comes in the pieces in which it arrived. */
export interface FrameSink {
  /** The payload lies in `bytes` from `start` to `end`: of most frames no view is needed. */
  frame(type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number): void;
  /** A DATA frame begins; `length` counts its padding too. */
  dataStart(stream: number, length: number): void;
  data(stream: number, piece: Buffer): void;
  dataEnd(stream: number, endStream: boolean): void;
}

/** Cuts bytes into frames. Other frames than DATA are gathered, at most `maxFrame` bytes. */
export class FrameReader {
  private readonly sink: FrameSink;
  private readonly maxFrame: number;
  private readonly header = Buffer.alloc(frameHeaderSize);
  private headerUsed = 0;
  private type = 0;
  private flags = 0;
  private stream = 0;
  private payload: Buffer | undefined;
  private payloadUsed = 0;
  private inData = false;
  private left = 0;
  private padding = 0;
  private awaitsPadLength = false;

  constructor(sink: FrameSink, maxFrame: number) {
    this.sink = sink;
    this.maxFrame = maxFrame;
  }

  /** Whether a frame other than DATA has begun. */
  get unfinished(): boolean {
    return this.headerUsed > 0 || this.payload !== undefined;
  }

  /** Takes bytes in any pieces. Throws ConnectionError. */
  feed(bytes: Buffer): void {
    let offset = 0;
    while (offset < bytes.length) {
      if (this.inData) offset = this.takeData(bytes, offset);
      else if (this.payload) offset = this.takePayload(bytes, offset);
      else offset = this.takeHeader(bytes, offset);
    }
  }

  private takeHeader(bytes: Buffer, offset: number): number {
    if (this.headerUsed === 0 && bytes.length - offset >= frameHeaderSize) {
      return this.begin(bytes, offset, bytes);
    }
    const taken = Math.min(frameHeaderSize - this.headerUsed, bytes.length - offset);
    bytes.copy(this.header, this.headerUsed, offset, offset + taken);
    this.headerUsed += taken;
    if (this.headerUsed < frameHeaderSize) return offset + taken;
    this.headerUsed = 0;
    this.begin(this.header, 0, undefined);
    return offset + taken;
  }

  /** Starts a frame whose header is at `offset`; a frame that lies in `whole` completely is handed on at once. */
  private begin(source: Buffer, offset: number, whole: Buffer | undefined): number {
    const length = (source[offset]! << 16) | (source[offset + 1]! << 8) | source[offset + 2]!;
    this.type = source[offset + 3]!;
    this.flags = source[offset + 4]!;
    this.stream =
      ((source[offset + 5]! & 0x7f) << 24) |
      (source[offset + 6]! << 16) |
      (source[offset + 7]! << 8) |
      source[offset + 8]!;
    if (length > this.maxFrame) throw new ConnectionError(errorCode.frameSize, "frame too large");
    const start = offset + frameHeaderSize;
    if (this.type === frameType.data) {
      this.beginData(length);
      return start;
    }
    if (whole && whole.length - start >= length) {
      this.deliver(whole, start, start + length);
      return start + length;
    }
    this.payload = Buffer.allocUnsafe(length);
    this.payloadUsed = 0;
    if (length === 0) this.deliverGathered();
    return start;
  }

  private takePayload(bytes: Buffer, offset: number): number {
    const payload = this.payload!;
    const taken = Math.min(payload.length - this.payloadUsed, bytes.length - offset);
    bytes.copy(payload, this.payloadUsed, offset, offset + taken);
    this.payloadUsed += taken;
    if (this.payloadUsed === payload.length) this.deliverGathered();
    return offset + taken;
  }

  private deliverGathered(): void {
    const payload = this.payload!;
    this.payload = undefined;
    this.deliver(payload, 0, payload.length);
  }

  private deliver(bytes: Buffer, start: number, end: number): void {
    this.sink.frame(this.type, this.flags, this.stream, bytes, start, end);
  }

  private beginData(length: number): void {
    this.inData = true;
    this.left = length;
    this.padding = 0;
    this.awaitsPadLength = (this.flags & flag.padded) !== 0;
    if (this.awaitsPadLength && length === 0) throw new ConnectionError(errorCode.frameSize, "padded frame is empty");
    this.sink.dataStart(this.stream, length);
    if (length === 0) this.endData();
  }

  private takeData(bytes: Buffer, offset: number): number {
    if (this.awaitsPadLength) {
      this.awaitsPadLength = false;
      this.padding = bytes[offset]!;
      this.left--;
      if (this.padding > this.left) throw new ConnectionError(errorCode.protocol, "padding exceeds the frame");
      if (this.left === 0) this.endData();
      return offset + 1;
    }
    const available = Math.min(this.left, bytes.length - offset);
    const content = Math.min(available, this.left - this.padding);
    if (content > 0) this.sink.data(this.stream, bytes.subarray(offset, offset + content));
    this.left -= available;
    if (this.left === 0) this.endData();
    return offset + available;
  }

  private endData(): void {
    this.inData = false;
    this.sink.dataEnd(this.stream, (this.flags & flag.endStream) !== 0);
  }
}

const header = Buffer.alloc(frameHeaderSize);

/** A frame's header, in a buffer that the next call overwrites. */
export function frameHeader(length: number, type: number, flags: number, stream: number): Buffer {
  header[0] = length >> 16;
  header[1] = length >> 8;
  header[2] = length;
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return header;
}

/** A small frame with a payload of 32-bit words. */
export function wordsFrame(type: number, flags: number, stream: number, words: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeaderSize + 4 * words.length);
  frameHeader(4 * words.length, type, flags, stream).copy(bytes);
  words.forEach((word, index) => {
    bytes.writeUInt32BE(word >>> 0, frameHeaderSize + 4 * index);
  });
  return bytes;
}

/** A SETTINGS frame. */
export function settingsFrame(values: readonly (readonly [id: number, value: number])[]): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeaderSize + 6 * values.length);
  frameHeader(6 * values.length, frameType.settings, 0, 0).copy(bytes);
  values.forEach(([id, value], index) => {
    bytes.writeUInt16BE(id, frameHeaderSize + 6 * index);
    bytes.writeUInt32BE(value, frameHeaderSize + 6 * index + 2);
  });
  return bytes;
}
