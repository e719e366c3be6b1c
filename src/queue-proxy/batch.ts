import type { Connection } from "./transport.ts";

const scratchSize = 64 * 1024;
/** Larger pieces are handed over as they are; copying them would cost more than a second system call. */
const copyLimit = 16 * 1024;

/**
 * Gathers the small pieces that one event writes to one connection into a single system call. One recycled buffer serves
 * the whole process: it belongs to one connection at a time and is emptied at the end of the current event.
 */
const scratch = Buffer.allocUnsafeSlow(scratchSize);
let used = 0;
let owner: BatchedWriter | undefined;
let scheduled = false;

function flushOwner(): void {
  if (owner) owner.flush();
}

function flushLater(): void {
  scheduled = false;
  flushOwner();
}

function claim(writer: BatchedWriter, room: number): void {
  if (owner !== writer || used + room > scratchSize) {
    flushOwner();
    owner = writer;
  }
  if (!scheduled) {
    scheduled = true;
    queueMicrotask(flushLater);
  }
}

/** Writes to a connection through the shared buffer. */
export class BatchedWriter {
  private readonly connection: Connection;
  private accepting = true;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Adds latin-1 text. Returns false while the peer is slow. */
  text(text: string): boolean {
    if (text.length > scratchSize) return this.bytes(Buffer.from(text, "latin1"));
    claim(this, text.length);
    used += scratch.write(text, used, "latin1");
    return this.accepting;
  }

  /** Adds bytes, which the caller must not touch again. Returns false while the peer is slow. */
  bytes(chunk: Uint8Array): boolean {
    if (chunk.length > copyLimit) {
      if (owner === this) this.flush();
      this.accepting = this.connection.write(chunk, false);
      return this.accepting;
    }
    claim(this, chunk.length);
    scratch.set(chunk, used);
    used += chunk.length;
    return this.accepting;
  }

  /** Adds a copy of a few bytes. */
  copy(chunk: Uint8Array): boolean {
    if (chunk.length > scratchSize) return this.bytes(Buffer.from(chunk));
    claim(this, chunk.length);
    scratch.set(chunk, used);
    used += chunk.length;
    return this.accepting;
  }

  flush(): void {
    if (owner !== this) return;
    owner = undefined;
    if (used === 0) return;
    const pending = scratch.subarray(0, used);
    used = 0;
    this.accepting = this.connection.write(pending, true);
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
    if (owner === this) {
      owner = undefined;
      used = 0;
    }
    this.connection.destroy();
  }
}
