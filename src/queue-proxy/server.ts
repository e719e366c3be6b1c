import type { Clock } from "../lib/clock.ts";
import { createDeadlineQueue } from "./deadlines.ts";
import { Http1ServerConnection, type ServerConnection, type ServerOptions } from "./http1-server.ts";
import type { Handler } from "./message.ts";
import type { Connection, ConnectionEvents, KeyPair, Network } from "./transport.ts";

const headTimeoutMs = 60_000;

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

/** Serves HTTP/1 on a port. Rejects when the port cannot be bound. */
export async function serve(network: Network, clock: Clock, options: ServeOptions): Promise<Server> {
  const connections = new Set<ServerConnection>();
  const sockets = new Set<Connection>();
  const headTimeouts = createDeadlineQueue(clock, headTimeoutMs);
  let allClosed: (() => void) | undefined;
  const shared: ServerOptions = { handler: options.handler, headTimeouts, connections, date: createDate(clock) };

  const accept = (connection: Connection): ConnectionEvents => {
    sockets.add(connection);
    const events = new Http1ServerConnection(connection, shared);
    return {
      data: (chunk) => events.data(chunk),
      drain: () => events.drain(),
      end: () => events.end(),
      close: () => {
        sockets.delete(connection);
        events.close();
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
    },
    async close() {
      await listener.close();
      for (const socket of [...sockets]) socket.destroy();
      headTimeouts.clear();
    },
  };
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
