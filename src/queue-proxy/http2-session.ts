import type { Clock } from "../lib/clock.ts";
import type { BatchedWriter } from "./batch.ts";
import { HpackDecoder, HpackEncoder, HpackError } from "./codec/hpack.ts";
import {
  ConnectionError,
  defaultMaxFrame,
  defaultWindow,
  errorCode,
  FrameReader,
  flag,
  frameHeader,
  frameType,
  maxWindow,
  setting,
  settingsFrame,
  wordsFrame,
} from "./codec/http2-frames.ts";
import { Http2Headers } from "./codec/http2-headers.ts";
import { Http2Stream } from "./http2-stream.ts";

const maxFrame = 64 * 1024;
const headerTableSize = 4096;
/** As Go's DefaultMaxHeaderBytes. */
export const maxHeaderList = 1024 * 1024;
/** A header block may come in this many frames. */
const maxContinuations = 256;
/**
 * What one stream, and all streams of a connection together, may have under way towards us. Not a round number: Node's
 * HTTP/2 server resets a stream whose last byte used up the window before it has sent the empty frame that ends it.
 */
const streamWindow = 256 * 1024 + 7;
const connectionWindow = 1024 * 1024;
/** Events that cost us more than the peer: a peer may cause this many at once, and so many more per second or answer. */
const nuisanceBudget = 1000;
const nuisanceRefillPerSecond = 100;
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

/** What both ends of an HTTP/2 connection have in common: frames, settings, windows, header compression. */
export class Http2Session {
  readonly writer: BatchedWriter;
  readonly streams = new Map<number, Http2Stream>();
  readonly encoder = new HpackEncoder();
  /** The highest stream number that the peer has opened (server) or that we have opened (client). */
  lastStream = 0;
  peerMaxStreams = 100;
  peerInitialWindow = defaultWindow;
  peerMaxFrame = defaultMaxFrame;
  sendWindow = defaultWindow;
  /** The socket's buffer is full. */
  congested = false;
  closed = false;

  private readonly owner: SessionOwner;
  private readonly clock: Clock;
  private readonly reader: FrameReader;
  private readonly decoder = new HpackDecoder(headerTableSize);
  private settled = false;
  private receiveWindow = connectionWindow;
  private unacknowledged = 0;
  private dataFrameLength = 0;
  private dataContent = 0;
  private block: { stream: number; endStream: boolean; parts: Buffer[]; size: number; frames: number } | undefined;
  private readonly blocked = new Set<Http2Stream>();
  private readonly resets = new Set<number>();
  private nuisances = nuisanceBudget;
  private refilledMs: number;

  constructor(owner: SessionOwner, writer: BatchedWriter, clock: Clock, maxStreams: number, client: boolean) {
    this.owner = owner;
    this.writer = writer;
    this.clock = clock;
    this.refilledMs = clock.monotonic();
    this.reader = new FrameReader(this, maxFrame);
    writer.copy(
      settingsFrame([
        [setting.maxFrameSize, maxFrame],
        [setting.initialWindowSize, streamWindow],
        [setting.maxHeaderListSize, maxHeaderList],
        client ? [setting.enablePush, 0] : [setting.maxConcurrentStreams, maxStreams],
      ]),
    );
    writer.copy(wordsFrame(frameType.windowUpdate, 0, 0, [connectionWindow - defaultWindow]));
  }

  // --- the connection's events

  feed(bytes: Buffer): void {
    if (this.closed) return;
    try {
      this.reader.feed(bytes);
    } catch (error) {
      this.failWith(error);
    }
  }

  drained(): void {
    this.congested = false;
    this.writer.drained();
    this.flushBlocked();
  }

  /** The connection is gone: tells every stream. */
  lose(error?: Error): void {
    if (this.closed) return;
    this.closed = true;
    const streams = [...this.streams.values()];
    this.streams.clear();
    this.blocked.clear();
    for (const stream of streams) stream.lost(error);
    this.owner.lost(error);
  }

  /** Says goodbye with a reason and cuts the connection. */
  fail(code: number, message: string): void {
    if (this.closed) return;
    const text = Buffer.from(message);
    const frame = wordsFrame(frameType.goaway, 0, 0, [this.lastStream, code]);
    frameHeader(8 + text.length, frameType.goaway, 0, 0).copy(frame);
    this.writer.copy(Buffer.concat([frame, text]));
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

  /** Counts an event that a hostile peer could cause for free. Throws when there were too many. */
  nuisance(): void {
    if (--this.nuisances >= 0) return;
    const now = this.clock.monotonic();
    const refill = Math.floor(((now - this.refilledMs) / 1000) * nuisanceRefillPerSecond);
    if (refill < 1) throw new ConnectionError(errorCode.enhanceYourCalm, "too many control frames or resets");
    this.refilledMs = now;
    this.nuisances = Math.min(nuisanceBudget, refill);
  }

  /** A stream ended well: the peer has earned some patience. */
  pleased(): void {
    if (this.nuisances < nuisanceBudget) this.nuisances++;
  }

  // --- frames

  frame(type: number, flags: number, stream: number, payload: Buffer): void {
    if (this.closed) return;
    if (!this.settled) {
      if (type !== frameType.settings || (flags & flag.ack) !== 0) {
        throw new ConnectionError(errorCode.protocol, "SETTINGS expected");
      }
      this.settled = true;
    }
    if (this.block && type !== frameType.continuation) {
      throw new ConnectionError(errorCode.protocol, "CONTINUATION expected");
    }
    switch (type) {
      case frameType.headers:
        this.takeHeaders(flags, stream, payload);
        break;
      case frameType.continuation:
        this.takeContinuation(flags, stream, payload);
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
        this.owner.goaway(payload.readUInt32BE(0) & maxWindow);
        break;
      case frameType.windowUpdate:
        this.takeWindowUpdate(stream, payload);
        break;
      case frameType.pushPromise:
        throw new ConnectionError(errorCode.protocol, "push is not allowed");
      default:
        this.nuisance();
    }
  }

  private takeHeaders(flags: number, stream: number, payload: Buffer): void {
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
    const part = payload.subarray(start, end);
    const endStream = (flags & flag.endStream) !== 0;
    if (flags & flag.endHeaders) this.completeBlock(stream, endStream, part);
    else this.block = { stream, endStream, parts: [part], size: part.length, frames: 0 };
  }

  private takeContinuation(flags: number, stream: number, payload: Buffer): void {
    const { block } = this;
    if (!block || block.stream !== stream) throw new ConnectionError(errorCode.protocol, "unexpected CONTINUATION");
    block.parts.push(payload);
    block.size += payload.length;
    if (block.size > maxHeaderList || ++block.frames > maxContinuations) {
      throw new ConnectionError(errorCode.enhanceYourCalm, "header block too large");
    }
    if (!(flags & flag.endHeaders)) return;
    this.block = undefined;
    this.completeBlock(stream, block.endStream, Buffer.concat(block.parts));
  }

  private completeBlock(id: number, endStream: boolean, block: Buffer): void {
    const headers = new Http2Headers();
    this.decoder.decode(block, (field) => headers.take(field, maxHeaderList));
    const stream = this.streams.get(id);
    if (stream) stream.takeHeaders(headers, endStream);
    else if (this.resets.has(id)) this.nuisance();
    else this.owner.open(id, headers, endStream);
  }

  private takePriority(stream: number, payload: Buffer): void {
    demand(stream !== 0, errorCode.protocol, "PRIORITY on stream 0");
    this.nuisance();
    const dependsOnItself = payload.length === 5 && (payload.readUInt32BE(0) & maxWindow) === stream;
    if (payload.length !== 5) this.sendReset(stream, errorCode.frameSize);
    else if (dependsOnItself) this.sendReset(stream, errorCode.protocol);
  }

  private takeReset(id: number, payload: Buffer): void {
    demand(id !== 0 && id <= this.lastStream, errorCode.protocol, "RST_STREAM on an idle stream");
    demand(payload.length === 4, errorCode.frameSize, "bad RST_STREAM");
    const stream = this.streams.get(id);
    this.nuisance();
    if (!stream) return;
    this.remove(stream);
    stream.reset(payload.readUInt32BE(0));
  }

  private takeSettings(flags: number, stream: number, payload: Buffer): void {
    demand(stream === 0, errorCode.protocol, "SETTINGS on a stream");
    if (flags & flag.ack) {
      demand(payload.length === 0, errorCode.frameSize, "SETTINGS ack with a payload");
      return;
    }
    demand(payload.length % 6 === 0, errorCode.frameSize, "bad SETTINGS");
    this.nuisance();
    this.applySettings(payload);
    this.writer.copy(wordsFrame(frameType.settings, flag.ack, 0, []));
    this.owner.settingsChanged();
    this.flushBlocked();
  }

  /** Takes the peer's settings from a SETTINGS payload. Throws ConnectionError. */
  applySettings(payload: Buffer): void {
    for (let offset = 0; offset + 6 <= payload.length; offset += 6) {
      const value = payload.readUInt32BE(offset + 2);
      switch (payload.readUInt16BE(offset)) {
        case setting.headerTableSize:
          this.encoder.setLimit(value);
          break;
        case setting.enablePush:
          demand(value <= 1, errorCode.protocol, "bad ENABLE_PUSH");
          break;
        case setting.maxConcurrentStreams:
          this.peerMaxStreams = value;
          break;
        case setting.initialWindowSize:
          demand(value <= maxWindow, errorCode.flowControl, "bad INITIAL_WINDOW_SIZE");
          for (const stream of this.streams.values()) {
            stream.sendWindow += value - this.peerInitialWindow;
            demand(stream.sendWindow <= maxWindow, errorCode.flowControl, "window overflow");
          }
          this.peerInitialWindow = value;
          break;
        case setting.maxFrameSize:
          demand(value >= defaultMaxFrame && value < 2 ** 24, errorCode.protocol, "bad MAX_FRAME_SIZE");
          this.peerMaxFrame = Math.min(value, maxFrame);
          break;
        default:
      }
    }
  }

  private takePing(flags: number, stream: number, payload: Buffer): void {
    demand(stream === 0, errorCode.protocol, "PING on a stream");
    demand(payload.length === 8, errorCode.frameSize, "bad PING");
    if (flags & flag.ack) return;
    this.nuisance();
    const words = [payload.readUInt32BE(0), payload.readUInt32BE(4)];
    this.writer.copy(wordsFrame(frameType.ping, flag.ack, 0, words));
  }

  private takeWindowUpdate(id: number, payload: Buffer): void {
    demand(payload.length === 4, errorCode.frameSize, "bad WINDOW_UPDATE");
    const increment = payload.readUInt32BE(0) & maxWindow;
    if (id === 0) {
      demand(increment > 0, errorCode.protocol, "empty WINDOW_UPDATE");
      this.sendWindow += increment;
      demand(this.sendWindow <= maxWindow, errorCode.flowControl, "window overflow");
      this.flushBlocked();
      return;
    }
    demand(id <= this.lastStream, errorCode.protocol, "WINDOW_UPDATE on an idle stream");
    const stream = this.streams.get(id);
    if (!stream) {
      this.nuisance();
      return;
    }
    stream.sendWindow += increment;
    if (increment === 0) this.resetStream(stream, errorCode.protocol, true);
    else if (stream.sendWindow > maxWindow) this.resetStream(stream, errorCode.flowControl, true);
    else this.flush(stream);
  }

  // --- DATA from the peer

  dataStart(id: number, length: number): void {
    demand(this.settled && !this.block, errorCode.protocol, "unexpected DATA");
    demand(id !== 0 && id <= this.lastStream, errorCode.protocol, "DATA on an idle stream");
    this.receiveWindow -= length;
    demand(this.receiveWindow >= 0, errorCode.flowControl, "connection window exceeded");
    this.dataFrameLength = length;
    this.dataContent = 0;
    const stream = this.streams.get(id);
    if (!stream) {
      this.nuisance();
      if (!this.resets.has(id)) this.sendReset(id, errorCode.streamClosed);
    } else if (stream.remoteEnded) {
      this.resetStream(stream, errorCode.streamClosed, true);
    } else {
      stream.receiveWindow -= length;
      if (stream.receiveWindow < 0) this.resetStream(stream, errorCode.flowControl, true);
    }
  }

  data(id: number, piece: Buffer): void {
    this.dataContent += piece.length;
    const stream = this.streams.get(id);
    if (!stream) {
      this.credit(undefined, piece.length);
      return;
    }
    stream.takeData(piece);
  }

  dataEnd(id: number, endStream: boolean): void {
    const stream = this.streams.get(id);
    const padding = this.dataFrameLength - this.dataContent;
    if (padding > 0) this.credit(stream, padding);
    if (this.dataContent === 0 && !endStream) this.nuisance();
    if (endStream) stream?.takeEnd(undefined);
  }

  /** Bytes were used up: the peer may send as many more. */
  credit(stream: Http2Stream | undefined, bytes: number): void {
    if (this.closed) return;
    this.unacknowledged += bytes;
    if (this.unacknowledged >= connectionWindow / 4) {
      this.writer.copy(wordsFrame(frameType.windowUpdate, 0, 0, [this.unacknowledged]));
      this.receiveWindow += this.unacknowledged;
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

  // --- sending

  /** Registers a stream that is open from now on. */
  add(id: number): Http2Stream {
    const stream = new Http2Stream(this, id, this.peerInitialWindow, streamWindow);
    this.streams.set(id, stream);
    return stream;
  }

  /** Sends a header block in as many frames as it needs. */
  sendBlock(id: number, block: Buffer, endStream: boolean): void {
    if (this.closed) return;
    let offset = 0;
    do {
      const end = Math.min(block.length, offset + this.peerMaxFrame);
      const last = end === block.length ? flag.endHeaders : 0;
      const type = offset === 0 ? frameType.headers : frameType.continuation;
      const endFlag = offset === 0 && endStream ? flag.endStream : 0;
      this.writer.copy(frameHeader(end - offset, type, last | endFlag, id));
      this.writer.copy(block.subarray(offset, end));
      offset = end;
    } while (offset < block.length);
  }

  /** Sends what the windows allow of a stream's queue; the rest waits. */
  flush(stream: Http2Stream): void {
    if (this.closed) return;
    const waits = stream.send(Math.min(this.sendWindow, stream.sendWindow));
    if (waits) this.blocked.add(stream);
    else if (this.blocked.delete(stream)) stream.receiver?.writable();
  }

  /** Has the stream told when it may write again. */
  waitFor(stream: Http2Stream): void {
    if (!this.closed && !stream.closed) this.blocked.add(stream);
  }

  private flushBlocked(): void {
    for (const stream of [...this.blocked]) {
      if (this.congested || this.sendWindow <= 0) return;
      // To the end of the line, so that streams take turns when the connection's window is short.
      this.blocked.delete(stream);
      this.blocked.add(stream);
      this.flush(stream);
    }
  }

  /** Ends a stream at once. `tell`: its receiver does not know yet. */
  resetStream(stream: Http2Stream, code: number, tell: boolean): void {
    if (stream.closed) return;
    this.remove(stream);
    this.resets.add(stream.id);
    if (this.resets.size > maxRememberedResets) this.resets.delete(this.resets.values().next().value!);
    this.sendReset(stream.id, code);
    if (tell) {
      this.nuisance();
      stream.reset(code);
    }
  }

  sendReset(id: number, code: number): void {
    if (!this.closed) this.writer.copy(wordsFrame(frameType.reset, 0, id, [code]));
  }

  /** Forgets a stream. */
  remove(stream: Http2Stream): void {
    if (stream.closed) return;
    stream.closed = true;
    this.streams.delete(stream.id);
    this.blocked.delete(stream);
    const unused = stream.takeWithheld();
    if (unused > 0) this.credit(undefined, unused);
    this.owner.streamClosed(stream);
  }
}

function demand(condition: boolean, code: number, message: string): asserts condition {
  if (!condition) throw new ConnectionError(code, message);
}
