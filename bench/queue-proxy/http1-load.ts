import type { Connection, ConnectionEvents, Network } from "../../src/queue-proxy/transport.ts";
import { runOnConnections } from "./connections.ts";
import { type Load, type LoadResult, Tally } from "./load.ts";
import { type Message, MessageWriter, makeMessage } from "./message-writer.ts";

/** HTTP/1.1 load: closed loop, or open at a rate. */
export function runHttp1(network: Network, load: Load): Promise<LoadResult> {
  const tally = new Tally(load.durationMs);
  const source = load.rate === undefined ? undefined : new OpenLoad(load.rate, tally);
  const request = makeRequest(load);
  return runOnConnections(
    network,
    load,
    tally,
    (connection, finished) => new Http1Client(connection, request, tally, source, finished),
  );
}

function makeRequest({ path, upload = 0 }: Load): Message {
  const head =
    upload > 0
      ? `POST ${path} HTTP/1.1\r\nHost: bench\r\nContent-Length: ${upload}\r\n\r\n`
      : `GET ${path} HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n`;
  return makeMessage(head, upload);
}

class Http1Client implements ConnectionEvents {
  private readonly connection: Connection;
  private readonly writer: MessageWriter;
  private readonly request: Message;
  private readonly tally: Tally;
  private readonly source: OpenLoad | undefined;
  private readonly finished: () => void;
  private sentMs = 0;
  /** Bytes of the body to come; negative: the head is to come. */
  private left = -1;
  private head = "";

  constructor(
    connection: Connection,
    request: Message,
    tally: Tally,
    source: OpenLoad | undefined,
    finished: () => void,
  ) {
    this.connection = connection;
    this.writer = new MessageWriter(connection);
    this.request = request;
    this.tally = tally;
    this.source = source;
    this.finished = finished;
    this.next(performance.now());
  }

  /** Latency counts from `atMs`. */
  readonly send = (atMs: number) => {
    this.sentMs = atMs;
    this.left = -1;
    this.writer.send(this.request);
  };

  data(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    if (this.left >= 0) this.left -= bytes.length;
    else if (!this.takeHead(bytes)) return;
    if (this.left > 0) return;
    if (this.left < 0) this.tally.failures++;
    const nowMs = performance.now();
    this.tally.answered(nowMs - this.sentMs);
    this.next(nowMs);
  }

  private takeHead(bytes: Buffer): boolean {
    const end = bytes.indexOf("\r\n\r\n", 0, "latin1");
    this.head += bytes.toString("latin1", 0, end < 0 ? bytes.length : end + 4);
    if (end < 0) return false;
    const { head } = this;
    this.head = "";
    if (!head.startsWith("HTTP/1.1 200")) this.tally.failures++;
    const length = head.indexOf("Content-Length: ") + 16;
    this.left = Number(head.slice(length, head.indexOf("\r", length))) - (bytes.length - (end + 4));
    return true;
  }

  private next(nowMs: number): void {
    if (nowMs >= this.tally.endMs) this.finished();
    else if (this.source) this.source.ask(this.send, this.finished);
    else this.send(nowMs);
  }

  drain(): void {
    this.writer.resume();
  }

  end(): void {
    this.connection.destroy();
  }

  close(): void {
    if (performance.now() < this.tally.endMs) this.tally.failures++;
    this.finished();
  }

  destroy(): void {
    this.connection.destroy();
  }
}

/**
 * Offers requests at a rate, whatever the answers take. They fall due as often as a timer of 1 ms allows, all that the time
 * since the last turn amounts to; latency counts from there, waiting for a connection included.
 */
class OpenLoad {
  private readonly due: number[] = [];
  private readonly waiting: { readonly send: (atMs: number) => void; readonly finished: () => void }[] = [];

  constructor(rate: number, tally: Tally) {
    let dueUntilMs = performance.now();
    const ticker = setInterval(() => {
      const nowMs = performance.now();
      for (; dueUntilMs <= nowMs; dueUntilMs += 1000 / rate) this.due.push(nowMs);
      while (this.due.length > 0 && this.waiting.length > 0) this.waiting.shift()!.send(this.due.shift()!);
      if (nowMs < tally.endMs) return;
      clearInterval(ticker);
      for (const { finished } of this.waiting) finished();
    }, 1);
  }

  /** Has `send` called when a request is due, or `finished` at the end. */
  ask(send: (atMs: number) => void, finished: () => void): void {
    const atMs = this.due.shift();
    if (atMs === undefined) this.waiting.push({ send, finished });
    else send(atMs);
  }
}
