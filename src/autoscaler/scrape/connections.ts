import { connect, type Socket } from "node:net";
import type { SocketAddress } from "../../lib/locate.ts";
import { type Answer, type AnswerReader, createAnswerReader } from "./answer-reader.ts";

export interface ConnectionsConfig {
  /** How long an answer is waited for, on each connection that a request is sent over: two at most. */
  readonly timeoutMs: number;
  /** Longer bodies are refused, in bytes. */
  readonly longestBody: number;
}

/** Connections for small requests to very many addresses. */
export interface Connections {
  /**
   * Sends a request that may be repeated, and resolves with its answer. With `keep` the connection is one that was kept,
   * if there is one, and is kept again. Rejects with the connection's error, with AnswerError where the answer is no
   * HTTP or too long, with TimeoutError, and with ClosedError.
   */
  ask(at: SocketAddress, request: string, keep: boolean): Promise<Answer>;
  /** Closes every connection: what is asked now, and later, is rejected with ClosedError. */
  close(): void;
}

/** No answer came in time. */
export class TimeoutError extends Error {}

/** The one who asks is closing down, so that nothing is known of the one who was asked. */
export class ClosedError extends Error {}

interface Connection {
  readonly socket: Socket;
  readonly reader: AnswerReader;
  /** Ends the request under way, if there is one. */
  settle: ((outcome: Answer | Error) => void) | undefined;
}

const idleMs = 30_000;
const closing = "no more is asked: shutting down";

/**
 * A pool of connections, each carrying one request at a time. Node's own HTTP client takes several times the processor
 * time for each request, and here there are thousands in a second. A kept connection may have been closed at the other
 * end meanwhile: when it ends before anything came back, the request goes over a new one.
 */
export function createConnections({ timeoutMs, longestBody }: ConnectionsConfig): Connections {
  const idle = new Map<string, Connection[]>();
  const open = new Set<Connection>();
  let closed = false;

  const rest = (id: string, connection: Connection) => {
    const others = idle.get(id);
    if (others) others.push(connection);
    else idle.set(id, [connection]);
  };
  const forget = (id: string, connection: Connection) => {
    const left = (idle.get(id) ?? []).filter((other) => other !== connection);
    if (left.length > 0) idle.set(id, left);
    else idle.delete(id);
  };

  const start = (at: SocketAddress, id: string, keep: boolean): Connection => {
    const socket = connect({ host: at.host, port: at.port, noDelay: true });
    const connection: Connection = { socket, reader: createAnswerReader(longestBody), settle: undefined };
    open.add(connection);
    /** Half-closed ones are closed, too, and are not waited for: nothing more is wanted of them. */
    const drop = (error?: Error) => {
      forget(id, connection);
      socket.destroy(error);
    };
    socket.setTimeout(idleMs, () => drop());
    socket.on("data", (bytes) => {
      const { settle } = connection;
      if (!settle) return drop();
      try {
        const answer = connection.reader.take(bytes);
        if (!answer) return;
        if (keep && answer.keepAlive) rest(id, connection);
        else drop();
        settle(answer);
      } catch (error) {
        drop(error as Error);
      }
    });
    socket.on("end", () => {
      const answer = connection.reader.end();
      drop();
      if (answer) connection.settle?.(answer);
    });
    socket.on("error", (error) => connection.settle?.(error));
    socket.on("close", () => {
      forget(id, connection);
      open.delete(connection);
      connection.settle?.(new Error("the connection was closed before the answer"));
    });
    return connection;
  };

  const exchange = (connection: Connection, request: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => connection.socket.destroy(new TimeoutError(`no answer within ${timeoutMs / 1000} s`)),
        timeoutMs,
      );
      connection.settle = (outcome) => {
        clearTimeout(timer);
        connection.settle = undefined;
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      connection.socket.write(request, "latin1");
    });

  return {
    async ask(at, request, keep) {
      if (closed) throw new ClosedError(closing);
      const id = `${at.host}:${at.port}`;
      const kept = keep ? idle.get(id)?.pop() : undefined;
      if (kept) {
        try {
          return await exchange(kept, request);
        } catch (error) {
          if (kept.reader.hasBegun() || error instanceof TimeoutError || error instanceof ClosedError) throw error;
        }
      }
      return exchange(start(at, id, keep), request);
    },
    close() {
      closed = true;
      for (const { socket } of open) socket.destroy(new ClosedError(closing));
    },
  };
}
