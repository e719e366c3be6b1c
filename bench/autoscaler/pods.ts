/**
 * Simulated pods: one process that answers upstream's stat message on port 9090 of every loopback address, as fast as it
 * can, and tells the parent when each revision was scraped. Started by bench/autoscaler.ts.
 */
import { createServer } from "node:net";
import { encodeStat } from "../../src/queue-proxy/stats.ts";
import { revisionOf } from "./addresses.ts";

const [, , concurrency, podsPerRevision] = process.argv.map(Number) as [number, number, number, number];

const message = encodeStat(
  "simulated-pod",
  { averageConcurrency: concurrency, averageProxiedConcurrency: 0, requestCount: 10, proxiedRequestCount: 0 },
  3600,
);
const answer = Buffer.concat([
  Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: application/protobuf\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: ${message.length}\r\n\r\n`,
  ),
  message,
]);

/** Requests of one scrape of a revision come within this time; the next ones after it belong to the next scrape. */
const roundMs = 400;
const lastSeen = new Map<number, number>();
let intervals: number[] = [];
let answered = 0;
let connections = 0;

const server = createServer({ noDelay: true }, (socket) => {
  connections++;
  const revision = revisionOf(socket.localAddress ?? "", podsPerRevision);
  let open = "";
  socket.on("data", (chunk) => {
    // A request has no body, and hardly ever comes in two pieces.
    open += chunk.toString("latin1");
    if (!open.endsWith("\r\n\r\n")) return;
    open = "";
    answered++;
    socket.write(answer);
    const nowMs = performance.now();
    const beforeMs = lastSeen.get(revision);
    if (beforeMs === undefined || nowMs - beforeMs > roundMs) {
      if (beforeMs !== undefined) intervals.push(nowMs - beforeMs);
      lastSeen.set(revision, nowMs);
    }
  });
  socket.on("error", () => {});
});
server.listen(9090, "0.0.0.0", 4096, () => process.send?.("listening"));

process.on("message", () => {
  process.send?.({ answered, connections, intervals });
  answered = 0;
  connections = 0;
  intervals = [];
  lastSeen.clear();
});
