/**
 * Differential fuzzing of the request parser: `node test/queue-proxy/fuzz.ts [seconds] [seed]`.
 * Mutated requests go through our parser and through node:http (llhttp, strict). A disagreement that could smuggle is
 * printed and makes the exit status 1: both take a message, but with other boundaries.
 */

import { readFileSync } from "node:fs";
import http from "node:http";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { requestsSeenByOurs, type SeenRequest } from "./parse-all.ts";

const seconds = Number(process.argv[2] ?? 10);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const corpus = JSON.parse(
  readFileSync(fileURLToPath(new URL("../corpus/queue-proxy/requests.json", import.meta.url)), "utf8"),
) as readonly string[];

let state = seed || 1;
/** A number from 0 to `limit`, excluded (xorshift). */
function random(limit: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % limit;
}

const pieces = [
  "\r\n",
  "\n",
  "\r",
  " ",
  "\t",
  ":",
  ";",
  ",",
  "\0",
  "0",
  "1",
  "a",
  "chunked",
  "Content-Length: 3\r\n",
  "Transfer-Encoding: chunked\r\n",
  "\r\n\r\n",
  "0\r\n\r\n",
  "GET /s HTTP/1.1\r\nHost: s\r\n\r\n",
  "HTTP/1.0",
  "Host: b\r\n",
  "\x80",
  "\x0b",
  "x",
  "+",
  "-",
  "5;a=b\r\n",
  "Connection: close\r\n",
];

function mutate(text: string): string {
  let result = text;
  for (let count = 1 + random(3); count > 0; count--) {
    const at = random(result.length + 1);
    const other = corpus[random(corpus.length)]!;
    switch (random(6)) {
      case 0:
        result = result.slice(0, at) + pieces[random(pieces.length)] + result.slice(at);
        break;
      case 1:
        result = result.slice(0, at) + result.slice(at + 1 + random(4));
        break;
      case 2:
        result = result.slice(0, at) + String.fromCharCode(random(256)) + result.slice(at + 1);
        break;
      case 3:
        result = result.slice(0, at) + result.slice(random(result.length + 1), at + random(40)) + result.slice(at);
        break;
      case 4:
        result = result.slice(0, at) + other.slice(random(other.length));
        break;
      default:
        result += other;
    }
  }
  return result.slice(0, 4096);
}

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
const startRss = process.memoryUsage().rss;
while (performance.now() < endMs) {
  const text = mutate(corpus[random(corpus.length)]!);
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
const grownMb = Math.round((process.memoryUsage().rss - startRss) / 2 ** 20);
console.log(
  `${inputs} inputs (seed ${seed}), ${accepted} requests accepted, ${disagreements} disagreements, ${grownMb} MB grown`,
);
process.exitCode = disagreements > 0 ? 1 : 0;
