import type { Connection } from "../../src/queue-proxy/transport.ts";

const pieceSize = 256 * 1024;
const piece = Buffer.alloc(pieceSize, "x");
/** A body up to this size goes out in one write with its head. */
const maxWhole = 128 * 1024;

/** Sends messages of any length at the pace of a connection; short ones are made once. */
export class MessageWriter {
  private readonly connection: Connection;
  private left = 0;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  send({ first, rest }: Message): void {
    this.left = rest;
    if (this.connection.write(first)) this.resume();
  }

  /** The connection takes bytes again. */
  resume(): void {
    while (this.left > 0) {
      const size = Math.min(this.left, pieceSize);
      this.left -= size;
      if (!this.connection.write(size === pieceSize ? piece : piece.subarray(0, size))) return;
    }
  }
}

/** A head, with the whole body when it is short, and how many bytes of body follow. */
export interface Message {
  readonly first: Buffer;
  readonly rest: number;
}

/** A message whose body is `bytes` long. */
export function makeMessage(head: string, bytes: number): Message {
  if (bytes > maxWhole) return { first: Buffer.from(head, "latin1"), rest: bytes };
  return { first: Buffer.concat([Buffer.from(head, "latin1"), piece.subarray(0, bytes)]), rest: 0 };
}
