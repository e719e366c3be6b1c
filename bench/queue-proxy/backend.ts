/** The user container of the bench: answers at once with a fixed body; `/N` asks for N bytes. HTTP/1.1 and h2c on one port each. */
import http2 from "node:http2";
import net from "node:net";
import { Readable } from "node:stream";
import { zeros } from "./huge.ts";

/** Longer answers are made as they are sent. */
const maxKeptBytes = 16_000_000;

const answers = new Map<string, Buffer>();

function answerFor(path: string): Buffer {
  let answer = answers.get(path);
  if (!answer) {
    const size = Number(path.slice(1)) || 13;
    const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${size}\r\n\r\n`;
    answer = Buffer.concat([Buffer.from(head), Buffer.alloc(size, "x")]);
    answers.set(path, answer);
  }
  return answer;
}

function answer(socket: net.Socket, path: string): void {
  const size = Number(path.slice(1));
  if (!(size > maxKeptBytes)) {
    socket.write(answerFor(path));
    return;
  }
  socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${size}\r\n\r\n`);
  Readable.from(zeros(size)).pipe(socket, { end: false });
}

const http1 = net.createServer({ noDelay: true }, (socket) => {
  let bodyLeft = 0;
  let head = "";
  socket.on("data", (chunk) => {
    let offset = 0;
    while (offset < chunk.length) {
      if (bodyLeft > 0) {
        const taken = Math.min(bodyLeft, chunk.length - offset);
        bodyLeft -= taken;
        offset += taken;
        if (bodyLeft === 0) answer(socket, "/");
        continue;
      }
      const end = chunk.indexOf("\r\n\r\n", offset, "latin1");
      if (end < 0) {
        head += chunk.toString("latin1", offset);
        return;
      }
      head += chunk.toString("latin1", offset, end + 4);
      offset = end + 4;
      const length = /content-length: (\d+)/i.exec(head);
      const path = head.split(" ", 2)[1]!;
      head = "";
      bodyLeft = length ? Number(length[1]) : 0;
      if (bodyLeft === 0) answer(socket, path);
    }
  });
  socket.on("error", () => {});
});

const h2c = http2.createServer();
const body = Buffer.alloc(13, "x");
h2c.on("stream", (stream) => {
  stream.respond({ ":status": 200, "content-type": "text/plain", "content-length": 13 });
  stream.end(body);
  stream.on("error", () => {});
});
h2c.on("sessionError", () => {});

http1.listen(0, "127.0.0.1", () => {
  h2c.listen(0, "127.0.0.1", () => {
    const ports = { http1: (http1.address() as net.AddressInfo).port, h2c: (h2c.address() as net.AddressInfo).port };
    process.stdout.write(`${JSON.stringify(ports)}\n`);
  });
});
