/**
 * The user container of the bench, as cheap as it can be: answers at once with a fixed body; `/N` asks for N bytes.
 * HTTP/1.1 and h2c on one port each, which its only line of output tells.
 */
import { systemClock } from "../../src/lib/clock.ts";
import { choosePlatform } from "../../src/queue-proxy/adapters/platform.ts";
import type { Connection, ConnectionEvents } from "../../src/queue-proxy/transport.ts";
import { LeanHttp2, makeTemplate } from "./lean-http2.ts";
import { type Message, MessageWriter, makeMessage } from "./message-writer.ts";

const smallBody = 13;
const messages = new Map<string, Message>();

function messageFor(path: string): Message {
  let message = messages.get(path);
  if (!message) {
    const size = Number(path.slice(1)) || smallBody;
    message = makeMessage(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${size}\r\n\r\n`, size);
    messages.set(path, message);
  }
  return message;
}

function serveHttp1(connection: Connection): ConnectionEvents {
  const writer = new MessageWriter(connection);
  let bodyLeft = 0;
  let head = "";
  let path = "";
  const answer = () => writer.send(messageFor(path));
  return {
    data(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      let offset = 0;
      while (offset < bytes.length) {
        if (bodyLeft > 0) {
          const taken = Math.min(bodyLeft, bytes.length - offset);
          bodyLeft -= taken;
          offset += taken;
          if (bodyLeft === 0) answer();
          continue;
        }
        const end = bytes.indexOf("\r\n\r\n", offset, "latin1");
        if (end < 0) {
          head += bytes.toString("latin1", offset);
          return;
        }
        head += bytes.toString("latin1", offset, end + 4);
        offset = end + 4;
        const pathStart = head.indexOf(" ") + 1;
        path = head.slice(pathStart, head.indexOf(" ", pathStart));
        bodyLeft = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
        head = "";
        if (bodyLeft === 0) answer();
      }
    },
    drain: () => writer.resume(),
    end: () => connection.destroy(),
    close() {},
  };
}

/** `:status 200`, and two literals by the numbers of their names. */
const block = Buffer.from("\x88\x0f\x10\x0atext/plain\x0f\x0d\x0213", "latin1");
const template = makeTemplate(block, "x".repeat(smallBody));

function serveHttp2(connection: Connection): ConnectionEvents {
  const session: LeanHttp2 = new LeanHttp2(connection, "server", {
    headers() {},
    ended: (stream) => session.add(template, stream),
    close() {},
  });
  return session;
}

const { network } = await choosePlatform(systemClock);
const http1 = await network.listen({ address: "127.0.0.1", port: 0 }, serveHttp1);
const h2c = await network.listen({ address: "127.0.0.1", port: 0 }, serveHttp2);
process.stdout.write(`${JSON.stringify({ http1: http1.port, h2c: h2c.port })}\n`);
