import {
  ConnectionError,
  defaultWindow,
  errorCode,
  FrameReader,
  flag,
  frameHeader,
  frameHeaderSize,
  frameType,
  maxWindow,
  preface,
  setting,
  settingsFrame,
  wordsFrame,
} from "../../src/queue-proxy/codec/http2-frames.ts";
import type { Connection, ConnectionEvents } from "../../src/queue-proxy/transport.ts";

const maxFrame = 16_384;
const settingsAck = wordsFrame(frameType.settings, flag.ack, 0, []);
/** Gathers what one event writes to one connection. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

/** What one end of a load hears. */
export interface LeanEvents {
  /** The peer sent a header block. */
  headers(block: Buffer): void;
  /** The peer has ended a stream. */
  ended(stream: number): void;
  close(error?: Error): void;
}

/** Frames that are the same for every stream but for its number, which `starts` locates. */
export interface FrameTemplate {
  readonly bytes: Buffer;
  readonly starts: readonly number[];
}

/** One HEADERS frame, and one of DATA where there is a body. */
export function makeTemplate(block: Buffer, body: string): FrameTemplate {
  const endFlag = body === "" ? flag.endStream : 0;
  const head = [Buffer.from(frameHeader(block.length, frameType.headers, flag.endHeaders | endFlag, 0)), block];
  if (body === "") return { bytes: Buffer.concat(head), starts: [0] };
  const data = [Buffer.from(frameHeader(body.length, frameType.data, flag.endStream, 0)), Buffer.from(body)];
  return { bytes: Buffer.concat([...head, ...data]), starts: [0, frameHeaderSize + block.length] };
}

/**
 * HTTP/2 without what a load does not need: no header compression, windows as large as they can be, no queue. What one
 * event writes to a connection goes out in one write.
 */
export class LeanHttp2 implements ConnectionEvents {
  private readonly connection: Connection;
  private readonly events: LeanEvents;
  private readonly reader: FrameReader;
  private prefaceLeft: number;
  private used = 0;

  /** A client says the preface, a server skips it. */
  constructor(connection: Connection, role: "client" | "server", events: LeanEvents) {
    this.connection = connection;
    this.events = events;
    this.prefaceLeft = role === "server" ? preface.length : 0;
    this.reader = new FrameReader(
      {
        frame: (type, flags, stream, bytes, start, end) => this.take(type, flags, stream, bytes.subarray(start, end)),
        dataStart() {},
        data() {},
        dataEnd(stream, endStream) {
          if (endStream) events.ended(stream);
        },
      },
      maxFrame,
    );
    const settings = settingsFrame([
      [setting.headerTableSize, 0],
      [setting.initialWindowSize, maxWindow],
      [setting.maxConcurrentStreams, 1000],
    ]);
    const window = wordsFrame(frameType.windowUpdate, 0, 0, [maxWindow - defaultWindow]);
    connection.write(Buffer.concat([...(role === "client" ? [preface] : []), settings, window]));
  }

  /** Adds frames to what the current event writes. */
  add({ bytes, starts }: FrameTemplate, stream: number): void {
    if (this.used + bytes.length > scratch.length) this.flush();
    scratch.set(bytes, this.used);
    for (const start of starts) scratch.writeUInt32BE(stream, this.used + start + 5);
    this.used += bytes.length;
  }

  /** Sends what was added. */
  flush(): void {
    if (this.used === 0) return;
    const { used } = this;
    this.used = 0;
    this.connection.writeCopy(scratch, used);
  }

  data(chunk: Uint8Array): void {
    const skipped = Math.min(this.prefaceLeft, chunk.length);
    this.prefaceLeft -= skipped;
    this.reader.feed(Buffer.from(chunk.buffer, chunk.byteOffset + skipped, chunk.length - skipped));
    this.flush();
  }

  drain(): void {}

  end(): void {
    this.connection.destroy();
  }

  close(error?: Error): void {
    this.events.close(error);
  }

  destroy(): void {
    this.connection.destroy();
  }

  private take(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === frameType.headers) {
      this.events.headers(payload);
      if (flags & flag.endStream) this.events.ended(stream);
    } else if (type === frameType.settings && !(flags & flag.ack)) {
      this.add({ bytes: settingsAck, starts: [] }, 0);
    } else if (type === frameType.ping && !(flags & flag.ack)) {
      const words = [payload.readUInt32BE(0), payload.readUInt32BE(4)];
      this.add({ bytes: wordsFrame(type, flag.ack, 0, words), starts: [] }, 0);
    } else if (type === frameType.reset || type === frameType.goaway) {
      throw new ConnectionError(errorCode.internal, "a load expects no RST_STREAM and no GOAWAY");
    }
  }
}
