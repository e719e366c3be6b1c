import type { HeaderList } from "./codec/headers.ts";
import { errorCode, flag, frameHeader, frameType } from "./codec/http2-frames.ts";
import { encodeTrailers, type Http2Headers } from "./codec/http2-headers.ts";
import type { Http2Session } from "./http2-session.ts";

/** Receives what the peer sends on a stream. */
export interface StreamReceiver {
  /** A header block after the first: a response's head, or trailers. Returns why it is refused, or undefined. */
  headers(headers: Http2Headers, endStream: boolean): string | undefined;
  body(chunk: Uint8Array): void;
  end(trailers?: HeaderList): void;
  writable(): void;
  /** The peer (or a violation of the protocol) ended the stream. */
  reset(code: number): void;
  /** The connection is gone. */
  lost(error: Error | undefined): void;
}

/** One stream's state on either side: windows, queue, and which halves have ended. */
export class Http2Stream {
  readonly id: number;
  /** See Http2Streams. */
  next: Http2Stream | undefined;
  receiver: StreamReceiver | undefined;
  sendWindow: number;
  receiveWindow: number;
  unacknowledged = 0;
  localEnded = false;
  remoteEnded = false;
  closed = false;
  /** Body bytes still to come according to Content-Length; undefined: unknown. */
  expected: number | undefined;

  private readonly session: Http2Session;
  /** Body bytes of ours that wait for a window or for the socket. */
  private waiting: Uint8Array[] | undefined;
  /** Our half ends once nothing waits, with these trailers. */
  private ending = false;
  private trailers: HeaderList | undefined;
  private paused = false;
  private withheld = 0;

  constructor(session: Http2Session, id: number, sendWindow: number, receiveWindow: number) {
    this.session = session;
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  // --- from the peer

  takeHeaders(headers: Http2Headers, endStream: boolean): void {
    if (this.remoteEnded) {
      this.session.resetStream(this, errorCode.streamClosed, true);
      return;
    }
    const refused = headers.malformed ?? this.receiver?.headers(headers, endStream);
    if (refused !== undefined) this.session.resetStream(this, errorCode.protocol, true);
  }

  takeData(piece: Buffer): void {
    if (this.expected !== undefined) {
      this.expected -= piece.length;
      if (this.expected < 0) {
        this.session.credit(undefined, piece.length);
        this.session.resetStream(this, errorCode.protocol, true);
        return;
      }
    }
    if (this.paused) this.withheld += piece.length;
    else this.session.credit(this, piece.length);
    this.receiver?.body(piece);
  }

  takeEnd(trailers: HeaderList | undefined): void {
    if (this.closed || this.remoteEnded) return;
    if (this.expected !== undefined && this.expected !== 0) {
      this.session.resetStream(this, errorCode.protocol, true);
      return;
    }
    this.remoteEnded = true;
    this.receiver?.end(trailers);
    this.settle();
  }

  reset(code: number): void {
    const { receiver } = this;
    this.receiver = undefined;
    receiver?.reset(code);
  }

  lost(error: Error | undefined): void {
    this.closed = true;
    const { receiver } = this;
    this.receiver = undefined;
    receiver?.lost(error);
  }

  // --- to the peer

  /** Sends body bytes, or queues them. False: wait for `writable`. */
  write(chunk: Uint8Array): boolean {
    if (this.closed || this.localEnded || chunk.length === 0) return true;
    const { sender } = this.session;
    const rest = this.waiting ? chunk : this.transmit(chunk, false);
    if (rest) {
      this.waiting ??= [];
      // A copy, since the bytes may be lent.
      this.waiting.push(Buffer.from(rest));
    }
    if (!rest && !sender.congested) return true;
    sender.waitFor(this);
    return false;
  }

  /** Ends our half, with trailers if there are any, once the queue is sent. */
  finish(trailers: HeaderList | undefined): void {
    if (this.closed || this.localEnded || this.ending) return;
    this.ending = true;
    this.trailers = trailers;
    this.session.sender.flush(this);
  }

  /** Our half ended with the header block itself. */
  finished(): void {
    this.localEnded = true;
    this.settle();
  }

  /** Withholds the peer's credit while paused. */
  setPaused(paused: boolean): void {
    this.paused = paused;
    if (paused || this.withheld === 0) return;
    const bytes = this.takeWithheld();
    this.session.credit(this, bytes);
  }

  takeWithheld(): number {
    const bytes = this.withheld;
    this.withheld = 0;
    return bytes;
  }

  /** Sends what may be sent of what waits, and then the end. Returns whether something has to wait still. */
  send(): boolean {
    const { sender } = this.session;
    const endsWithData = this.ending && !hasFields(this.trailers);
    while (this.waiting) {
      const last = this.waiting.length === 1;
      const rest = this.transmit(this.waiting[0]!, last && endsWithData);
      if (rest) {
        this.waiting[0] = rest;
        return true;
      }
      if (last) this.waiting = undefined;
      else this.waiting.shift();
      if (last && endsWithData) return this.ended();
    }
    if (!this.ending || this.localEnded) return false;
    if (hasFields(this.trailers)) {
      encodeTrailers(sender.encoder, this.trailers);
      sender.block(this.id, true);
    } else {
      sender.writer.copy(frameHeader(0, frameType.data, flag.endStream, this.id));
    }
    return this.ended();
  }

  /** Sends what the windows and the socket allow. Returns the rest; undefined: nothing is left. */
  private transmit(chunk: Uint8Array, endStream: boolean): Uint8Array | undefined {
    const { sender } = this.session;
    let rest = chunk;
    while (true) {
      const size = Math.min(rest.length, sender.window, this.sendWindow, sender.peerMaxFrame);
      if (size <= 0 || sender.congested) return rest;
      const last = size === rest.length;
      sender.writer.copy(frameHeader(size, frameType.data, last && endStream ? flag.endStream : 0, this.id));
      sender.congested = !sender.writer.bytes(last ? rest : rest.subarray(0, size));
      sender.window -= size;
      this.sendWindow -= size;
      if (last) return undefined;
      rest = rest.subarray(size);
    }
  }

  private ended(): false {
    this.localEnded = true;
    this.settle();
    return false;
  }

  private settle(): void {
    if (this.localEnded && this.remoteEnded) {
      this.session.patience.pleased();
      this.session.remove(this);
    }
  }
}

function hasFields(trailers: HeaderList | undefined): trailers is HeaderList {
  return trailers !== undefined && !trailers.empty;
}
