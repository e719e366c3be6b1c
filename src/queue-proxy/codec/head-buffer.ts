import { ProtocolError } from "./http1-parser.ts";

const empty = Buffer.alloc(0);

/** Gathers bytes until a message head is complete: at most `limit` bytes, scanning each byte once. */
export class HeadBuffer {
  private store = empty;
  private size = 0;
  /** How many bytes of the terminator (CR LF CR LF, or LF LF when lenient) have been seen. */
  private lineFeeds = 0;
  private readonly limit: number;
  private readonly lenient: boolean;
  /** Where, in the bytes fed last, the rest begins after a head that is complete. */
  next = 0;

  constructor(limit: number, lenient: boolean) {
    this.limit = limit;
    this.lenient = lenient;
  }

  get empty(): boolean {
    return this.size === 0;
  }

  /**
   * Takes bytes from `offset`. When the head is complete returns its latin-1 text and sets `next`; otherwise keeps the
   * bytes and returns undefined. Throws ProtocolError 431 beyond the limit.
   */
  feed(bytes: Buffer, offset: number): string | undefined {
    const end = this.findEnd(bytes, offset);
    if (this.size + (end < 0 ? bytes.length : end) - offset > this.limit) {
      throw new ProtocolError(431, "head too large");
    }
    if (end < 0) {
      this.keep(bytes, offset);
      return undefined;
    }
    let text = bytes.toString("latin1", offset, end);
    if (this.size > 0) {
      text = this.store.toString("latin1", 0, this.size) + text;
      this.store = empty;
      this.size = 0;
    }
    this.lineFeeds = 0;
    this.next = end;
    return text;
  }

  /** The first bytes of what was gathered so far. */
  peek(limit: number): string {
    return this.store.toString("latin1", 0, Math.min(limit, this.size));
  }

  private keep(bytes: Buffer, offset: number): void {
    const size = this.size + bytes.length - offset;
    if (size > this.store.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(1024, 2 * size));
      this.store.copy(larger, 0, 0, this.size);
      this.store = larger;
    }
    bytes.copy(this.store, this.size, offset);
    this.size = size;
  }

  private findEnd(bytes: Buffer, offset: number): number {
    if (!this.lenient && this.size === 0) {
      // The common case: the whole head in one piece, found by the runtime's own search.
      const found = bytes.indexOf("\r\n\r\n", offset, "latin1");
      if (found >= 0) return found + 4;
    }
    for (let index = offset; index < bytes.length; index++) {
      const byte = bytes[index]!;
      if (byte === 10) {
        if (++this.lineFeeds === 2) return index + 1;
      } else if (byte !== 13) this.lineFeeds = 0;
    }
    return -1;
  }
}
