import type { Http2Stream } from "./http2-stream.ts";

/** A power of two. */
const chainCount = 64;

/**
 * The open streams of a connection, by number. Not a Map: in Bun, a Map's outgrown tables lead to those that follow, so
 * that streams long over outlive all but full collections, which take several times as long.
 */
export class Http2Streams {
  size = 0;
  private readonly chains = new Array<Http2Stream | undefined>(chainCount).fill(undefined);

  get(id: number): Http2Stream | undefined {
    let stream = this.chains[chainOf(id)];
    while (stream && stream.id !== id) stream = stream.next;
    return stream;
  }

  add(stream: Http2Stream): void {
    const chain = chainOf(stream.id);
    stream.next = this.chains[chain];
    this.chains[chain] = stream;
    this.size++;
  }

  /** Takes out a stream that is in. */
  remove(stream: Http2Stream): void {
    const chain = chainOf(stream.id);
    let before = this.chains[chain];
    if (before === stream) {
      this.chains[chain] = stream.next;
    } else {
      while (before && before.next !== stream) before = before.next;
      if (!before) return;
      before.next = stream.next;
    }
    stream.next = undefined;
    this.size--;
  }

  /** All streams, in no particular order. */
  all(): Http2Stream[] {
    const streams: Http2Stream[] = [];
    for (const first of this.chains) for (let stream = first; stream; stream = stream.next) streams.push(stream);
    return streams;
  }

  clear(): void {
    this.chains.fill(undefined);
    this.size = 0;
  }
}

/** A side's streams have every other number. */
function chainOf(id: number): number {
  return (id >>> 1) & (chainCount - 1);
}
