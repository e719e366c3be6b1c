import type { IncomingMessage, Server } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import type { Logger } from "../../lib/log.ts";
import { StatError } from "../scrape/stat.ts";
import { bucketPrefix } from "./bucket-names.ts";
import { memoryPath } from "./replication.ts";
import { passedOnPath } from "./stat-router.ts";
import { decodeWireStats, type KeyedStat } from "./wire-stats.ts";

export interface StatServerConfig {
  /** Whether the bucket of that name is ours: connections by a bucket's name are for its owner only. */
  readonly ownsBucket: (name: string) => boolean;
  readonly onStats: (stats: readonly KeyedStat[], passedOn: boolean) => void;
  /** Returns what takes in the messages of a new connection of another replica. */
  readonly onMemoryLink: () => (text: string) => void;
  readonly log: Logger;
}

export interface StatServer {
  /** Asks every client to connect anew, elsewhere; those that do not go are cut off after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Upstream's "service restart". */
const restarting = 1012;
const maxStatsBytes = 2 ** 20;
const maxMemoryBytes = 32 * 2 ** 20;
const maxConnections = 1000;
const keepAliveMs = 180_000;

/**
 * Takes stats over WebSocket, as activators and upstream's replicas send them, and the memories of other replicas.
 * Source: serving v0.42.2 pkg/autoscaler/statserver.
 */
export function serveStats(server: Server, config: StatServerConfig): StatServer {
  const { ownsBucket, onStats, onMemoryLink, log } = config;
  const options = { noServer: true, perMessageDeflate: false, clientTracking: false } as const;
  const stats = new WebSocketServer({ ...options, maxPayload: maxStatsBytes });
  const memories = new WebSocketServer({ ...options, maxPayload: maxMemoryBytes });
  const open = new Set<WebSocket>();
  let closing = false;

  const track = (socket: WebSocket, receive: (data: RawData, isBinary: boolean) => void) => {
    open.add(socket);
    socket.on("message", receive);
    socket.on("error", (error) => log.debug("a stats connection failed", { error }));
    socket.on("close", () => open.delete(socket));
  };

  const takeStats = (passedOn: boolean) => {
    let complained = false;
    const complain = (text: string, details: Record<string, unknown>) => {
      if (!complained) log.warn(text, details);
      complained = true;
    };
    return (data: RawData, isBinary: boolean) => {
      if (!isBinary) return complain("a stats connection carries text, which is ignored", {});
      try {
        const decoded = decodeWireStats(data as Buffer);
        if (decoded.refused > 0) complain("stats with impossible numbers were refused", { count: decoded.refused });
        onStats(decoded.stats, passedOn);
      } catch (error) {
        if (!(error instanceof StatError)) throw error;
        complain("a message on a stats connection cannot be read", { error });
      }
    };
  };

  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    if (socket instanceof Socket) socket.setKeepAlive(true, keepAliveMs);
    const bucket = (request.headers.host ?? "").split(".")[0]!.split(":")[0]!;
    if (closing || open.size >= maxConnections) return refuse(socket, "503 Service Unavailable");
    if (bucket.startsWith(bucketPrefix) && !ownsBucket(bucket)) return refuse(socket, "421 Misdirected Request");
    if (request.url === memoryPath) {
      memories.handleUpgrade(request, socket, head, (accepted) => {
        const receive = onMemoryLink();
        track(accepted, (data) => receive(data.toString()));
      });
    } else {
      stats.handleUpgrade(request, socket, head, (accepted) =>
        track(accepted, takeStats(request.url === passedOnPath)),
      );
    }
  });

  return {
    async close(graceMs) {
      closing = true;
      for (const socket of open) socket.close(restarting, "Restarting");
      const cutOff = setTimeout(() => {
        for (const socket of open) socket.terminate();
      }, graceMs);
      await Promise.all([...open].map((socket) => new Promise((resolve) => socket.once("close", resolve))));
      clearTimeout(cutOff);
    },
  };
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
