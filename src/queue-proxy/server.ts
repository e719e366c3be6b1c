import type { Clock } from "../lib/clock.ts";
import { HeaderList, names } from "./codec/headers.ts";
import { informationalHead } from "./codec/http1-writer.ts";
import { preface } from "./codec/http2-frames.ts";
import { createDeadlineQueue, type Deadline, type Expiring } from "./deadlines.ts";
import {
  Http1ServerConnection,
  type ServerConnection,
  type ServerOptions,
  type UpgradeToHttp2,
} from "./http1-server.ts";
import { Http2ServerConnection } from "./http2-server.ts";
import type { Handler } from "./message.ts";
import type { Connection, ConnectionEvents, KeyPair, Network } from "./transport.ts";

const headTimeoutMs = 60_000;
/** As Go's server: long enough for a client to read the last answer before unread bytes make the kernel reset. */
const lingerMs = 500;

/** A listening HTTP server. */
export interface Server {
  readonly port: number;
  /** Stops listening, ends idle connections and resolves when the last request under way is answered. */
  shutdown(): Promise<void>;
  /** Stops listening and cuts every connection. */
  close(): Promise<void>;
  setKeyPair(pair: KeyPair): void;
}

export interface ServeOptions {
  readonly address: string;
  readonly port: number;
  readonly handler: Handler;
  readonly tls?: KeyPair | undefined;
}

/** Serves HTTP/1 and HTTP/2 on a port. Rejects when the port cannot be bound. */
export async function serve(network: Network, clock: Clock, options: ServeOptions): Promise<Server> {
  const connections = new Set<ServerConnection>();
  const sockets = new Set<Connection>();
  const headTimeouts = createDeadlineQueue(clock, headTimeoutMs);
  const lingers = createDeadlineQueue(clock, lingerMs);
  let allClosed: (() => void) | undefined;
  const shared: ServerOptions = {
    handler: options.handler,
    headTimeouts,
    lingers,
    connections,
    date: createDate(clock),
  };

  const accept = (connection: Connection): ConnectionEvents => {
    sockets.add(connection);
    const events = new DetectingConnection(connection, shared, clock);
    return {
      data: (chunk) => events.data(chunk),
      drain: () => events.drain(),
      end: () => events.end(),
      close: (error) => {
        sockets.delete(connection);
        events.close(error);
        if (sockets.size === 0) allClosed?.();
      },
    };
  };
  const listener = await network.listen(options, accept);
  return {
    port: listener.port,
    setKeyPair: listener.setKeyPair,
    async shutdown() {
      await listener.close();
      for (const connection of [...connections]) connection.shutdown();
      if (sockets.size > 0) {
        await new Promise<void>((resolve) => {
          allClosed = resolve;
        });
      }
      headTimeouts.clear();
      lingers.clear();
    },
    async close() {
      await listener.close();
      for (const socket of [...sockets]) socket.destroy();
      headTimeouts.clear();
      lingers.clear();
    },
  };
}

/** Tells the protocol by a connection's first bytes: HTTP/2 with prior knowledge, or HTTP/1, which may ask to upgrade. */
class DetectingConnection implements ConnectionEvents, Expiring {
  private readonly connection: Connection;
  private readonly options: ServerOptions;
  private readonly clock: Clock;
  private chosen: ConnectionEvents | undefined;
  private first = Buffer.alloc(0);
  private readonly timeout: Deadline;

  constructor(connection: Connection, options: ServerOptions, clock: Clock) {
    this.connection = connection;
    this.options = options;
    this.clock = clock;
    options.connections.add(this);
    this.timeout = options.headTimeouts.add(this);
  }

  data(chunk: Uint8Array): void {
    if (this.chosen) {
      this.chosen.data(chunk);
      return;
    }
    this.first = Buffer.concat([this.first, chunk]);
    const compared = Math.min(this.first.length, preface.length);
    const http2 = this.first.subarray(0, compared).equals(preface.subarray(0, compared));
    if (http2 && compared < preface.length) return;
    const { connection, options, clock, first } = this;
    this.forget();
    this.chosen = http2
      ? new Http2ServerConnection(connection, options, clock)
      : new Http1ServerConnection(connection, options, (upgrade) => upgradeToHttp2(upgrade, options, clock));
    this.chosen.data(first);
  }

  drain(): void {
    this.chosen?.drain();
  }

  end(): void {
    if (this.chosen) this.chosen.end();
    else this.connection.destroy();
  }

  close(error?: Error): void {
    this.forget();
    this.chosen?.close(error);
  }

  shutdown(): void {
    this.connection.destroy();
  }

  expired(): void {
    this.connection.destroy();
  }

  private forget(): void {
    this.first = Buffer.alloc(0);
    this.timeout.cancel();
    this.options.connections.delete(this);
  }
}

/** Answers `Upgrade: h2c`; the request itself is answered as stream 1 and goes to the container as HTTP/1.1. */
function upgradeToHttp2(
  { connection, writer, request, settings }: Parameters<UpgradeToHttp2>[0],
  options: ServerOptions,
  clock: Clock,
): ConnectionEvents {
  const headers = new HeaderList();
  headers.add(names.connection, "Upgrade");
  headers.add(names.upgrade, "h2c");
  writer.text(informationalHead(101, headers));
  const http2 = new Http2ServerConnection(connection, options, clock, writer);
  http2.startUpgraded({ ...request, upgrade: undefined }, settings);
  return http2;
}

/** The Date header, made once a second at most. */
function createDate(clock: Clock): () => string {
  let second = -1;
  let text = "";
  return () => {
    const now = Math.floor(clock.now() / 1000);
    if (now !== second) {
      second = now;
      text = new Date(now * 1000).toUTCString();
    }
    return text;
  };
}
