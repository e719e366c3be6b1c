import type { Clock } from "../lib/clock.ts";
import { createDeadlineQueue } from "./deadlines.ts";
import { Http1ClientConnection } from "./http1-client.ts";
import type { OutgoingHead, OutgoingRequest, ResponseConsumer } from "./message.ts";
import { dialFailure } from "./probe-tcp.ts";
import type { Network } from "./transport.ts";

const idleTimeoutMs = 90_000;
const dialSteps = 15;
const dialFirstTimeoutMs = 50;
const dialFactor = 1.4;
const dialJitter = 0.1;
const dialSleepMs = 30;

/** Something that carries one request now. */
export interface Carrier {
  send(head: OutgoingHead, consumer: ResponseConsumer): OutgoingRequest;
}

/** Finds a connection for a request. */
export interface Backend {
  /** Calls `ready`, maybe at once, or `failed`. `fresh`: on a new connection. The returned function gives up. */
  acquire(ready: (carrier: Carrier) => void, failed: (error: Error) => void, fresh: boolean): () => void;
  /** Closes the idle connections. */
  close(): void;
}

/** Where a backend listens. */
export interface BackendAddress {
  readonly host: string;
  readonly port: number;
}

/** HTTP/1.1 connections to the user container: at most `maxIdle` are kept, for 90 s. Source: knative.dev/pkg network/transports.go. */
export function createHttp1Backend(network: Network, clock: Clock, address: BackendAddress, maxIdle: number): Backend {
  const idle: { readonly connection: Http1ClientConnection; readonly cancelExpiry: () => void }[] = [];
  const idleDeadlines = createDeadlineQueue(clock, idleTimeoutMs);
  let closed = false;

  const forget = (connection: Http1ClientConnection) => {
    const index = idle.findLastIndex((entry) => entry.connection === connection);
    if (index >= 0) idle.splice(index, 1)[0]!.cancelExpiry();
  };
  const owner = {
    idle(connection: Http1ClientConnection) {
      if (closed || idle.length >= maxIdle) {
        connection.destroy();
        return;
      }
      idle.push({ connection, cancelExpiry: idleDeadlines.add(() => connection.destroy()) });
    },
    gone: forget,
  };
  return {
    acquire(ready, failed, fresh) {
      const kept = fresh ? undefined : idle.pop();
      if (kept) {
        kept.cancelExpiry();
        ready(kept.connection);
        return () => {};
      }
      return dial(
        network,
        clock,
        address,
        (socket) => {
          const client = new Http1ClientConnection(socket, owner);
          ready(client);
          return client;
        },
        failed,
      );
    },
    close() {
      closed = true;
      for (const { connection } of [...idle]) connection.destroy();
      idleDeadlines.clear();
    },
  };
}

/**
 * Connects with upstream's back-off: only time-outs are tried again, a refusal fails at once.
 * Source: knative.dev/pkg network/transports.go (dialBackOffHelper). The returned function gives up.
 */
export function dial(
  network: Network,
  clock: Clock,
  address: BackendAddress,
  connected: Parameters<Network["connect"]>[1],
  failed: (error: Error) => void,
): () => void {
  let givenUp = false;
  let stop = () => {};
  let timeoutMs = dialFirstTimeoutMs;
  const attempt = (step: number) => {
    let over = false;
    const cancelTimer = clock.setTimer(timeoutMs * (1 + Math.random() * dialJitter), () => {
      over = true;
      cancelConnect();
      if (givenUp) return;
      if (step + 1 >= dialSteps) {
        failed(new Error(`timed out dialing after ${dialSteps} tries`));
        return;
      }
      timeoutMs *= dialFactor;
      stop = clock.setTimer(dialSleepMs * (1 + Math.random()), () => attempt(step + 1));
    });
    const cancelConnect = network.connect(
      address,
      (connection) => {
        cancelTimer();
        over = true;
        return connected(connection);
      },
      (error) => {
        cancelTimer();
        if (!over && !givenUp) failed(dialFailure(address.host, address.port, error));
      },
    );
    stop = () => {
      cancelTimer();
      cancelConnect();
    };
  };
  attempt(0);
  return () => {
    givenUp = true;
    stop();
  };
}
