import { WebSocket } from "ws";
import { backoffMs } from "../../kube/backoff.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../lib/log.ts";

/** A connection to another replica that is made again whenever it breaks. */
export interface Link {
  /** Sends a message; false when there is no connection now, or too much waits to be sent. */
  send(message: string | Uint8Array): boolean;
  close(): void;
}

/** Makes a link to `url`; `onOpen` is called whenever a connection stands anew. */
export type Connect = (url: string, onOpen: () => void) => Link;

const handshakeTimeoutMs = 3000;
const pingIntervalMs = 3333;
const pongTimeoutMs = 10_000;
const backoff = { baseMs: 100, maxMs: 5000 };
/** More is not kept for a replica that does not read. */
const maxWaitingBytes = 16 * 2 ** 20;

/** Makes links over WebSocket, with the pings and time-outs of upstream's. Source: knative.dev/pkg websocket (20240716). */
export function createLinks(clock: Clock, log: Logger): Connect {
  return (url, onOpen) => {
    let socket: WebSocket | undefined;
    let failures = 0;
    let closed = false;
    let cancelTimer = () => {};

    const connect = () => {
      const opened = new WebSocket(url, { handshakeTimeout: handshakeTimeoutMs, perMessageDeflate: false });
      socket = opened;
      let lastPongMs = clock.monotonic();
      let cancelPing = () => {};
      const ping = () => {
        if (clock.monotonic() - lastPongMs > pongTimeoutMs) return opened.terminate();
        opened.ping();
        cancelPing = clock.setTimer(pingIntervalMs, ping);
      };
      opened.on("open", () => {
        failures = 0;
        lastPongMs = clock.monotonic();
        cancelPing = clock.setTimer(pingIntervalMs, ping);
        onOpen();
      });
      opened.on("pong", () => {
        lastPongMs = clock.monotonic();
      });
      opened.on("error", (error) => log.debug(`the link to ${url} failed`, { error }));
      opened.on("close", () => {
        cancelPing();
        if (closed) return;
        failures += 1;
        cancelTimer = clock.setTimer(backoffMs(backoff, failures), connect);
      });
    };
    connect();

    return {
      send(message) {
        if (socket?.readyState !== WebSocket.OPEN || socket.bufferedAmount > maxWaitingBytes) return false;
        socket.send(message);
        return true;
      },
      close() {
        closed = true;
        cancelTimer();
        if (socket?.readyState === WebSocket.OPEN) socket.close();
        else socket?.terminate();
      },
    };
  };
}
