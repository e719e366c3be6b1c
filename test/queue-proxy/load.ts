import { readFileSync, writeFileSync } from "node:fs";
import http, { type IncomingMessage } from "node:http";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";

const chunk = Buffer.alloc(64 * 1024, "0123456789abcdef");
const streamsAtATime = 200;

/** A container that takes and gives as much as is asked of it. */
export interface LoadContainer {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts a container that answers GET /N with N bytes of a known pattern, and POST with the number of bytes that came. */
export async function startHttp1Container(): Promise<LoadContainer> {
  const server = http.createServer(async (request, response) => {
    if (request.method === "POST") response.end(String(await countBytes(request)));
    else await pipeline(pattern(Number(request.url?.slice(1))), response).catch(() => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Starts a container of HTTP/2 that answers every stream with what it was sent. */
export async function startHttp2Container(): Promise<LoadContainer> {
  const server = http2.createServer();
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200 });
    stream.pipe(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      for (const session of sessions) session.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Downloads so many bytes through the port; rejects when they are not exactly those. */
export async function download(port: number, bytes: number): Promise<void> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    http.get({ port, host: "127.0.0.1", path: `/${bytes}`, agent: false }, resolve).on("error", reject);
  });
  const received = await countBytes(response);
  if (received !== bytes) throw new Error(`${received} of ${bytes} bytes came down`);
}

/** Uploads so many bytes through the port; rejects when the container did not get exactly those. */
export async function upload(port: number, bytes: number): Promise<void> {
  const request = http.request({ port, host: "127.0.0.1", method: "POST", agent: false });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.on("response", resolve);
    request.on("error", reject);
  });
  await pipeline(pattern(bytes), request);
  let text = "";
  for await (const piece of await answered) text += piece;
  if (text !== String(bytes)) throw new Error(`${text} of ${bytes} bytes went up`);
}

/** Opens so many streams on one connection, 200 at a time; rejects when one is not answered with what it sent. */
export async function multiplex(port: number, streams: number): Promise<void> {
  const client = http2.connect(`http://127.0.0.1:${port}`);
  let next = 0;
  const one = (name: string) =>
    new Promise<void>((resolve, reject) => {
      const stream = client.request({ ":method": "POST", ":path": "/" });
      let answer = "";
      stream.setEncoding("latin1");
      stream.on("data", (piece: string) => {
        answer += piece;
      });
      stream.on("error", reject);
      stream.on("close", () => (answer === name ? resolve() : reject(new Error(`${name} got ${answer}`))));
      stream.end(name);
    });
  try {
    const lane = async () => {
      while (next < streams) await one(`stream ${next++}`);
    };
    await Promise.all(Array.from({ length: streamsAtATime }, lane));
  } finally {
    client.destroy();
  }
}

/** Memory of a process in MB: what it has in RAM now, and the most since the last call of `forgetPeak`. */
export function residentMb(pid: number): { readonly now: number; readonly peak: number } {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) / 1024;
  return { now: field("VmRSS"), peak: field("VmHWM") };
}

/** Lets the peak begin anew at what is in RAM now. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

function* pattern(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= chunk.length) yield left >= chunk.length ? chunk : chunk.subarray(0, left);
}

async function countBytes(message: IncomingMessage): Promise<number> {
  let count = 0;
  for await (const piece of message) {
    const buffer = piece as Buffer;
    // The pattern repeats every 16 bytes: a piece that came twice, or not at all, shows.
    if (buffer[0] !== chunk[count % 16] || buffer.at(-1) !== chunk[(count + buffer.length - 1) % 16]) {
      throw new Error(`other bytes than were sent at ${count}`);
    }
    count += buffer.length;
  }
  return count;
}
