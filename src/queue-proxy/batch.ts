import type { Connection } from "./transport.ts";

const scratchSize = 64 * 1024;
/** Larger pieces are handed over as they are; copying them would cost more than a second system call. */
const copyLimit = 16 * 1024;
/** So many connections gather at once; one more, and the first is flushed. */
const maxGathering = 8;

const spareScratches: Buffer[] = [];

/** Writers that gather, and when they are flushed. */
class Gathering {
  private readonly schedule: (flush: () => void) => void;
  private writers: BatchedWriter[] = [];
  private scheduled = false;

  constructor(schedule: (flush: () => void) => void) {
    this.schedule = schedule;
  }

  add(writer: BatchedWriter): void {
    if (this.writers.length === maxGathering) this.writers[0]!.flush();
    this.writers.push(writer);
    if (this.scheduled) return;
    this.scheduled = true;
    this.schedule(this.flushAll);
  }

  remove(writer: BatchedWriter): void {
    const last = this.writers.pop()!;
    if (last !== writer) this.writers[this.writers.indexOf(writer)] = last;
  }

  private readonly flushAll = () => {
    this.scheduled = false;
    while (this.writers.length > 0) this.writers[0]!.flush();
  };
}

const gatherings = {
  /** To the end of the current event: for a connection that carries one message at a time, nothing more would come. */
  event: new Gathering(queueMicrotask),
  /** To the end of the event loop's turn: the requests of several clients share a connection to the container. */
  turn: new Gathering(setImmediate),
};

/**
 * Gathers the small pieces that one event, or one turn of the event loop, writes to one connection into a single system
 * call. A few recycled buffers serve the whole process.
 */
export class BatchedWriter {
  private readonly connection: Connection;
  private readonly gathering: Gathering;
  private scratch: Buffer | undefined;
  private used = 0;
  private accepting = true;

  constructor(connection: Connection, until: "event" | "turn" = "event") {
    this.connection = connection;
    this.gathering = gatherings[until];
  }

  /** Adds latin-1 text. Returns false while the peer is slow. */
  text(text: string): boolean {
    if (text.length > scratchSize) return this.bytes(Buffer.from(text, "latin1"));
    const scratch = this.claim(text.length);
    this.used += scratch.write(text, this.used, "latin1");
    return this.accepting;
  }

  /** Adds bytes, which the caller must not touch again. Returns false while the peer is slow. */
  bytes(chunk: Uint8Array): boolean {
    if (chunk.length > copyLimit) {
      this.flush();
      this.accepting = this.connection.write(chunk);
      return this.accepting;
    }
    return this.copy(chunk);
  }

  /** Adds a copy of the bytes from `start` to `end`, at most 64 KiB. */
  copyPart(source: Buffer, start: number, end: number): boolean {
    const scratch = this.claim(end - start);
    this.used += source.copy(scratch, this.used, start, end);
    return this.accepting;
  }

  /** Adds a copy of a few bytes. */
  copy(chunk: Uint8Array): boolean {
    if (chunk.length > scratchSize) return this.bytes(Buffer.from(chunk));
    this.claim(chunk.length).set(chunk, this.used);
    this.used += chunk.length;
    return this.accepting;
  }

  flush(): void {
    const { scratch, used } = this;
    if (!scratch) return;
    this.release(scratch);
    if (used > 0) this.accepting = this.connection.writeCopy(scratch, used);
  }

  /** The connection takes bytes again. */
  drained(): void {
    this.accepting = true;
  }

  /** Sends what is gathered, then closes the writing side and calls `sent`. */
  end(sent: () => void = () => {}): void {
    this.flush();
    this.connection.end(sent);
  }

  /** Drops what is gathered and closes at once. */
  destroy(): void {
    if (this.scratch) this.release(this.scratch);
    this.connection.destroy();
  }

  /** A buffer with so much room from `used` on. */
  private claim(room: number): Buffer {
    if (this.used + room > scratchSize) this.flush();
    if (!this.scratch) {
      this.gathering.add(this);
      this.scratch = spareScratches.pop() ?? Buffer.allocUnsafeSlow(scratchSize);
    }
    return this.scratch;
  }

  private release(scratch: Buffer): void {
    this.scratch = undefined;
    this.used = 0;
    this.gathering.remove(this);
    spareScratches.push(scratch);
  }
}
