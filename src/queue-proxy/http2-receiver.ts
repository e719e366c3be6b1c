import { HpackDecoder } from "./codec/hpack.ts";
import {
  ConnectionError,
  demand,
  errorCode,
  FrameReader,
  type FrameSink,
  flag,
  frameType,
  maxWindow,
} from "./codec/http2-frames.ts";
import { Http2Headers } from "./codec/http2-headers.ts";
import { type BlockSink, HeaderBlockReader, maxHeaderList } from "./http2-header-block.ts";
import type { Http2Session } from "./http2-session.ts";
import { maxFrame } from "./http2-settings.ts";

const headerTableSize = 4096;

/** The receiving side of a connection: takes bytes apart and does what each frame asks for. */
export class Http2Receiver implements FrameSink, BlockSink {
  private readonly session: Http2Session;
  private readonly reader = new FrameReader(this, maxFrame);
  private readonly blocks = new HeaderBlockReader(this);
  private readonly decoder = new HpackDecoder(headerTableSize);
  private settled = false;
  private completed = 0;
  private dataFrameLength = 0;
  private dataContent = 0;

  constructor(session: Http2Session) {
    this.session = session;
  }

  /** Takes bytes in any pieces. Throws ConnectionError and HpackError. */
  feed(bytes: Buffer): void {
    this.reader.feed(bytes);
  }

  /**
   * What the peer has begun and not ended: a number for its first SETTINGS, or for one frame with the CONTINUATION that
   * belongs to it; another one for the next. Undefined: nothing, or the bytes of a body.
   */
  get begun(): number | undefined {
    if (!this.settled) return 0;
    return this.blocks.unfinished || this.reader.unfinished ? this.completed : undefined;
  }

  // --- whole frames

  frame(type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    this.take(type, flags, stream, bytes, start, end);
    if (!this.blocks.unfinished) this.completed++;
  }

  private take(type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    const { session } = this;
    if (session.closed) return;
    if (!this.settled) {
      if (type !== frameType.settings || (flags & flag.ack) !== 0) {
        throw new ConnectionError(errorCode.protocol, "SETTINGS expected");
      }
      this.settled = true;
    }
    if (this.blocks.unfinished && type !== frameType.continuation) {
      throw new ConnectionError(errorCode.protocol, "CONTINUATION expected");
    }
    if (type === frameType.headers) {
      this.blocks.headers(flags, stream, bytes, start, end);
      return;
    }
    const payload = bytes.subarray(start, end);
    switch (type) {
      case frameType.continuation:
        this.blocks.continuation(flags, stream, payload);
        break;
      case frameType.priority:
        this.takePriority(stream, payload);
        break;
      case frameType.reset:
        this.takeReset(stream, payload);
        break;
      case frameType.settings:
        this.takeSettings(flags, stream, payload);
        break;
      case frameType.ping:
        this.takePing(flags, stream, payload);
        break;
      case frameType.goaway:
        demand(stream === 0, errorCode.protocol, "GOAWAY on a stream");
        demand(payload.length >= 8, errorCode.frameSize, "short GOAWAY");
        session.owner.goaway(payload.readUInt32BE(0) & maxWindow);
        break;
      case frameType.windowUpdate:
        this.takeWindowUpdate(stream, payload);
        break;
      case frameType.pushPromise:
        throw new ConnectionError(errorCode.protocol, "push is not allowed");
      default:
        session.patience.nuisance();
    }
  }

  block(id: number, endStream: boolean, bytes: Buffer, start: number, end: number): void {
    const { session } = this;
    const headers = new Http2Headers(maxHeaderList);
    this.decoder.decode(bytes, start, end, headers);
    const stream = session.streams.get(id);
    if (stream) stream.takeHeaders(headers, endStream);
    else if (session.wasReset(id)) session.patience.nuisance();
    else session.owner.open(id, headers, endStream);
  }

  private takePriority(stream: number, payload: Buffer): void {
    const { session } = this;
    demand(stream !== 0, errorCode.protocol, "PRIORITY on stream 0");
    session.patience.nuisance();
    const dependsOnItself = payload.length === 5 && (payload.readUInt32BE(0) & maxWindow) === stream;
    if (payload.length !== 5) session.sendReset(stream, errorCode.frameSize);
    else if (dependsOnItself) session.sendReset(stream, errorCode.protocol);
  }

  private takeReset(id: number, payload: Buffer): void {
    const { session } = this;
    demand(id !== 0 && id <= session.lastStream, errorCode.protocol, "RST_STREAM on an idle stream");
    demand(payload.length === 4, errorCode.frameSize, "bad RST_STREAM");
    const stream = session.streams.get(id);
    session.patience.nuisance();
    if (!stream) return;
    session.remove(stream);
    stream.reset(payload.readUInt32BE(0));
  }

  private takeSettings(flags: number, stream: number, payload: Buffer): void {
    const { session } = this;
    demand(stream === 0, errorCode.protocol, "SETTINGS on a stream");
    if (flags & flag.ack) {
      demand(payload.length === 0, errorCode.frameSize, "SETTINGS ack with a payload");
      return;
    }
    demand(payload.length % 6 === 0, errorCode.frameSize, "bad SETTINGS");
    session.patience.nuisance();
    session.applySettings(payload);
    session.sender.control(frameType.settings, flag.ack, 0, []);
    session.owner.settingsChanged();
    session.sender.flushBlocked();
  }

  private takePing(flags: number, stream: number, payload: Buffer): void {
    const { session } = this;
    demand(stream === 0, errorCode.protocol, "PING on a stream");
    demand(payload.length === 8, errorCode.frameSize, "bad PING");
    if (flags & flag.ack) return;
    session.patience.nuisance();
    session.sender.control(frameType.ping, flag.ack, 0, [payload.readUInt32BE(0), payload.readUInt32BE(4)]);
  }

  private takeWindowUpdate(id: number, payload: Buffer): void {
    const { session } = this;
    demand(payload.length === 4, errorCode.frameSize, "bad WINDOW_UPDATE");
    const increment = payload.readUInt32BE(0) & maxWindow;
    if (id === 0) {
      session.sender.widen(increment);
      return;
    }
    demand(id <= session.lastStream, errorCode.protocol, "WINDOW_UPDATE on an idle stream");
    const stream = session.streams.get(id);
    if (!stream) {
      session.patience.nuisance();
      return;
    }
    stream.sendWindow += increment;
    if (increment === 0) session.resetStream(stream, errorCode.protocol, true);
    else if (stream.sendWindow > maxWindow) session.resetStream(stream, errorCode.flowControl, true);
    else session.sender.flush(stream);
  }

  // --- DATA from the peer

  dataStart(id: number, length: number): void {
    const { session } = this;
    demand(this.settled && !this.blocks.unfinished, errorCode.protocol, "unexpected DATA");
    demand(id !== 0 && id <= session.lastStream, errorCode.protocol, "DATA on an idle stream");
    session.window.take(length);
    this.dataFrameLength = length;
    this.dataContent = 0;
    const stream = session.streams.get(id);
    if (!stream) {
      session.patience.nuisance();
      if (!session.wasReset(id)) session.sendReset(id, errorCode.streamClosed);
    } else if (stream.remoteEnded) {
      session.resetStream(stream, errorCode.streamClosed, true);
    } else {
      stream.receiveWindow -= length;
      if (stream.receiveWindow < 0) session.resetStream(stream, errorCode.flowControl, true);
    }
  }

  data(id: number, piece: Buffer): void {
    const { session } = this;
    this.dataContent += piece.length;
    const stream = session.streams.get(id);
    if (!stream) {
      session.credit(undefined, piece.length);
      return;
    }
    stream.takeData(piece);
  }

  dataEnd(id: number, endStream: boolean): void {
    const { session } = this;
    const stream = session.streams.get(id);
    const padding = this.dataFrameLength - this.dataContent;
    if (padding > 0) session.credit(stream, padding);
    if (this.dataContent === 0 && !endStream) session.patience.nuisance();
    if (endStream) stream?.takeEnd(undefined);
  }
}
