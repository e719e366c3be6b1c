import net from "node:net";
import type { Clock } from "../lib/clock.ts";
import type { SocketAddress } from "../lib/locate.ts";
import type { Logger } from "../lib/log.ts";
import { backoffMs } from "./backoff.ts";

/** Another replica, as its Lease names it. */
export interface Peer {
  readonly identity: string;
  /** "host:port" where it listens for its peers. */
  readonly address: string;
}

/** Notices at once when the process of another replica is gone. */
export interface PeerWatcher {
  /** Calls `onGone` at most once; returns the way to stop. */
  watch(peer: Peer, onGone: () => void): () => void;
}

export interface PeerServer {
  readonly port: number;
  close(): Promise<void>;
}

const connectTimeoutMs = 2000;
const backoff = { baseMs: 50, maxMs: 5000 };

/**
 * Listens for peers and tells each our identity, nothing else. The open connections are what matters: they break when
 * this process ends, whatever ended it. Close it only after everything was given up.
 */
export async function startPeerServer(identity: string, { host, port }: SocketAddress): Promise<PeerServer> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.setKeepAlive(true, 5000);
    socket.resume();
    socket.write(`${identity}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as net.AddressInfo).port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/**
 * Watches peers over TCP. A peer counts as gone only when that is certain: a link to it once stood, it broke, and now
 * its port refuses connections or somebody else answers there. Silence, time-outs and unreachable networks prove
 * nothing: then its Lease has to expire.
 */
export function createPeerWatcher(clock: Clock, log: Logger): PeerWatcher {
  return {
    watch({ identity, address }, onGone) {
      const colon = address.lastIndexOf(":");
      const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
      const port = Number(address.slice(colon + 1));
      let stood = false;
      let failures = 0;
      let stopped = false;
      let socket: net.Socket | undefined;
      let cancelTimer = () => {};

      const stop = () => {
        stopped = true;
        cancelTimer();
        socket?.destroy();
      };
      const gone = (why: string) => {
        log.warn(`the replica ${identity} is gone: ${why}`);
        stop();
        onGone();
      };
      const connect = () => {
        const link = net.connect({ host, port });
        socket = link;
        let text = "";
        let refused = false;
        link.setEncoding("utf8");
        link.setKeepAlive(true, 5000);
        cancelTimer = clock.setTimer(connectTimeoutMs, () => link.destroy());
        link.on("data", (chunk) => {
          text += chunk;
          if (!text.includes("\n")) return;
          cancelTimer();
          if (text.split("\n")[0] === identity) {
            stood = true;
            failures = 0;
          } else if (stood) {
            gone("another process has its address");
          }
        });
        link.on("error", (error: NodeJS.ErrnoException) => {
          refused = error.code === "ECONNREFUSED";
        });
        link.on("close", () => {
          cancelTimer();
          if (stopped) return;
          if (refused && stood) {
            gone("its port refuses connections");
            return;
          }
          failures += 1;
          // The first attempt after a break comes at once: the port of a dead process refuses from the start.
          if (stood && failures === 1) connect();
          else cancelTimer = clock.setTimer(backoffMs(backoff, failures), connect);
        });
      };
      connect();
      return stop;
    },
  };
}
