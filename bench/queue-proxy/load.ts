import net from "node:net";
import { systemClock } from "../../src/lib/clock.ts";
import { nodeNetwork } from "../../src/queue-proxy/adapters/node.ts";
import { HeaderList } from "../../src/queue-proxy/codec/headers.ts";
import { Http2ClientConnection } from "../../src/queue-proxy/http2-client.ts";
import type { ResponseConsumer } from "../../src/queue-proxy/message.ts";

/** What a load came to; latencies in milliseconds. */
export interface LoadResult {
  readonly requests: number;
  readonly failures: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
}

export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly durationMs: number;
  readonly path: string;
  /** Bytes of request body. */
  readonly upload?: number;
  /** Requests per second offered, whatever the answers take; absent: each connection asks again at once. */
  readonly rate?: number;
}

/** HTTP/1.1 load on raw sockets: closed loop, or open at a rate (latency then counts from when a request was due). */
export async function runHttp1(load: Load): Promise<LoadResult> {
  const latencies: number[] = [];
  let failures = 0;
  const body = Buffer.alloc(load.upload ?? 0, "u");
  const head =
    body.length > 0
      ? `POST ${load.path} HTTP/1.1\r\nHost: bench\r\nContent-Length: ${body.length}\r\n\r\n`
      : `GET ${load.path} HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n`;
  const request = Buffer.concat([Buffer.from(head), body]);
  const startedMs = performance.now();
  const endMs = startedMs + load.durationMs;
  const due: number[] = [];
  const free: (() => void)[] = [];
  const sockets: net.Socket[] = [];

  const connect = () =>
    new Promise<void>((resolve) => {
      const socket = net.connect(load.port, "127.0.0.1");
      sockets.push(socket);
      socket.setNoDelay(true);
      let sentMs = 0;
      let left = -1;
      let text = "";
      const send = (atMs: number) => {
        sentMs = atMs;
        left = -1;
        text = "";
        socket.write(request);
      };
      const next = () => {
        if (performance.now() >= endMs) return resolve();
        if (load.rate === undefined) return send(performance.now());
        const atMs = due.shift();
        if (atMs !== undefined) send(atMs);
        else free.push(next);
      };
      socket.on("connect", next);
      socket.on("data", (chunk) => {
        let size = chunk.length;
        if (left < 0) {
          text += chunk.toString("latin1", 0, Math.min(chunk.length, 2048));
          const end = text.indexOf("\r\n\r\n");
          if (end < 0) return;
          left = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
          if (!text.startsWith("HTTP/1.1 200")) failures++;
          size = chunk.length - (end + 4);
        }
        left -= size;
        if (left > 0) return;
        latencies.push(performance.now() - sentMs);
        next();
      });
      socket.on("error", () => {
        failures++;
        resolve();
      });
    });
  const workers = Array.from({ length: load.connections }, connect);
  let ticker: NodeJS.Timeout | undefined;
  if (load.rate !== undefined) {
    const gapMs = 1000 / load.rate;
    let nextMs = startedMs;
    ticker = setInterval(() => {
      const nowMs = performance.now();
      for (; nextMs <= nowMs && nextMs < endMs; nextMs += gapMs) due.push(nextMs);
      while (due.length > 0 && free.length > 0) free.shift()!();
      if (nowMs < endMs) return;
      clearInterval(ticker);
      for (const wake of free.splice(0)) wake();
    }, 1);
  }
  await Promise.race([Promise.all(workers), systemClock.sleep(load.durationMs + 10_000)]);
  clearInterval(ticker);
  for (const socket of sockets) socket.destroy();
  return summarise(latencies, failures, (performance.now() - startedMs) / 1000);
}

/** HTTP/2 load with prior knowledge: `streams` requests under way on each connection. */
export async function runHttp2(load: Load, streams: number): Promise<LoadResult> {
  const latencies: number[] = [];
  let failures = 0;
  const startedMs = performance.now();
  const endMs = startedMs + load.durationMs;
  const connections: Http2ClientConnection[] = [];
  const worker = (connection: Http2ClientConnection) =>
    new Promise<void>((resolve) => {
      const next = () => {
        if (performance.now() >= endMs) return resolve();
        const sentMs = performance.now();
        const consumer: ResponseConsumer = {
          informational() {},
          head: (response) => {
            if (response.status !== 200) failures++;
          },
          body() {},
          end: () => {
            latencies.push(performance.now() - sentMs);
            next();
          },
          switched() {},
          writable() {},
          failed: () => {
            failures++;
            resolve();
          },
        };
        const headers = new HeaderList();
        connection.send(
          { method: "GET", target: "/", host: "bench", headers, bodyLength: 0, upgrade: undefined },
          consumer,
        );
      };
      next();
    });
  const opened = Array.from({ length: load.connections }, () => {
    return new Promise<void>((resolve, reject) => {
      nodeNetwork.connect(
        { host: "127.0.0.1", port: load.port },
        (socket) => {
          const connection = new Http2ClientConnection(socket, systemClock, () => {});
          connections.push(connection);
          queueMicrotask(() => {
            void Promise.all(Array.from({ length: streams }, () => worker(connection))).then(() => resolve());
          });
          return connection;
        },
        reject,
      );
    });
  });
  await Promise.race([Promise.all(opened), systemClock.sleep(load.durationMs + 10_000)]);
  for (const connection of connections) connection.destroy();
  return summarise(latencies, failures, (performance.now() - startedMs) / 1000);
}

function summarise(latencies: number[], failures: number, seconds: number): LoadResult {
  const sorted = Float64Array.from(latencies).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { requests: sorted.length, failures, seconds, p50: at(0.5), p99: at(0.99) };
}
