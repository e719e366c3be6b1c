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

/** What waits for a carrier. */
export interface Passenger {
  connected(carrier: Carrier): void;
  unreachable(error: Error): void;
}

/** Finds a connection for a request. */
export interface Backend {
  /** Tells the passenger of a connection, maybe at once. `fresh`: a new one. The returned function gives up. */
  acquire(passenger: Passenger, fresh: boolean): () => void;
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
  const idle: Http1ClientConnection[] = [];
  const idleDeadlines = createDeadlineQueue(clock, idleTimeoutMs);
  let closed = false;

  const forget = (connection: Http1ClientConnection) => {
    const index = idle.lastIndexOf(connection);
    if (index < 0) return;
    idle.splice(index, 1);
    connection.keptUntil?.cancel();
  };
  const owner = {
    idle(connection: Http1ClientConnection) {
      if (closed || idle.length >= maxIdle) {
        connection.destroy();
        return;
      }
      if (connection.keptUntil) connection.keptUntil.renew();
      else connection.keptUntil = idleDeadlines.add(connection);
      idle.push(connection);
    },
    gone: forget,
  };
  return {
    acquire(passenger, fresh) {
      const kept = fresh ? undefined : idle.pop();
      if (kept) {
        kept.keptUntil?.cancel();
        passenger.connected(kept);
        return nothingToGiveUp;
      }
      return dial(
        network,
        clock,
        address,
        (socket) => {
          const client = new Http1ClientConnection(socket, owner);
          passenger.connected(client);
          return client;
        },
        (error) => passenger.unreachable(error),
      );
    },
    close() {
      closed = true;
      for (const connection of [...idle]) connection.destroy();
      idleDeadlines.clear();
    },
  };
}

/** What `acquire` returns when it has a connection at once. */
export const nothingToGiveUp = () => {};

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
