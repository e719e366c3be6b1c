/**
 * Differential fuzzing of the request parser: `node --expose-gc test/queue-proxy/fuzz.ts [seconds] [seed]`.
 * Mutated requests go through our parser and through node:http (llhttp, strict). A disagreement that could smuggle is
 * printed and makes the exit status 1: both take a message, but with other boundaries.
 */

import http from "node:http";
import { Duplex } from "node:stream";
import { createMutator } from "./mutate.ts";
import { requestsSeenByOurs, type SeenRequest } from "./parse-all.ts";

const seconds = Number(process.argv[2] ?? 10);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const next = createMutator(seed);

const seenBy = new WeakMap<object, SeenRequest[]>();
const server = http.createServer({ requireHostHeader: false, insecureHTTPParser: false });
const take = (request: http.IncomingMessage, response: http.ServerResponse) => {
  let body = "";
  request.on("data", (chunk: Buffer) => {
    body += chunk.toString("latin1");
  });
  request.on("end", () => {
    seenBy.get(request.socket)?.push({ method: request.method ?? "", target: request.url ?? "", body });
    response.end();
  });
  request.on("error", () => {});
};
server.on("request", take);
// Node would answer an unknown expectation itself; where its body ends is the same question.
server.on("checkExpectation", take);
server.on("clientError", () => {});
server.on("connect", () => {});
server.on("upgrade", () => {});

/** What llhttp makes of the bytes: the requests that it saw to their end. */
async function requestsSeenByNode(text: string): Promise<readonly SeenRequest[]> {
  const seen: SeenRequest[] = [];
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const stubs = {
    setTimeout() {},
    setNoDelay() {},
    setKeepAlive() {},
    ref() {},
    unref() {},
    remoteAddress: "127.0.0.1",
  };
  Object.assign(socket, stubs);
  socket.on("error", () => {});
  seenBy.set(socket, seen);
  server.emit("connection", socket);
  socket.push(Buffer.from(text, "latin1"));
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  socket.destroy();
  return seen;
}

/** Whether the bodies and targets agree as far as both went. */
function agrees(ours: readonly SeenRequest[], theirs: readonly SeenRequest[]): boolean {
  const common = Math.min(ours.length, theirs.length);
  for (let index = 0; index < common; index++) {
    const [a, b] = [ours[index]!, theirs[index]!];
    if (a.method !== b.method || a.body !== b.body) return false;
  }
  return true;
}

const endMs = performance.now() + seconds * 1000;
let inputs = 0;
let accepted = 0;
let disagreements = 0;
globalThis.gc?.();
const startHeapBytes = process.memoryUsage().heapUsed;
while (performance.now() < endMs) {
  const text = next();
  inputs++;
  const ours = requestsSeenByOurs(text);
  accepted += ours.length;
  if (ours.length === 0) continue;
  const theirs = await requestsSeenByNode(text);
  if (agrees(ours, theirs)) continue;
  disagreements++;
  console.log(JSON.stringify({ text, ours, theirs }));
  if (disagreements > 20) break;
}
globalThis.gc?.();
const grownMb = ((process.memoryUsage().heapUsed - startHeapBytes) / 2 ** 20).toFixed(1);
console.log(
  `${inputs} inputs (seed ${seed}), ${accepted} requests accepted, ${disagreements} disagreements, ${grownMb} MB of heap grown`,
);
process.exitCode = disagreements > 0 ? 1 : 0;
