// Echoes each WebSocket text message. No library, so that the directory runs as it is.
import { createHash } from "node:crypto";
import { createServer } from "node:http";

const server = createServer((_request, response) => response.end("speak WebSocket to me\n"));

server.on("upgrade", (request, socket) => {
  const key = request.headers["sec-websocket-key"] ?? "";
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  let pending = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    for (let frame = readFrame(pending); frame; frame = readFrame(pending)) {
      pending = pending.subarray(frame.size);
      if (frame.opcode === 8) {
        socket.end(writeFrame(8, frame.payload));
        return;
      }
      if (frame.opcode === 9) socket.write(writeFrame(10, frame.payload));
      if (frame.opcode === 1) socket.write(writeFrame(1, Buffer.concat([Buffer.from("echo: "), frame.payload])));
    }
  });
  socket.on("error", () => socket.destroy());
});

server.listen(Number(process.env.PORT ?? 8080));
process.on("SIGTERM", () => server.close());

/** The first frame of `bytes`, if it is whole. A client's frames are masked. */
function readFrame(bytes) {
  if (bytes.length < 6) return undefined;
  const opcode = bytes[0] & 15;
  let length = bytes[1] & 127;
  let at = 2;
  if (length === 126) {
    if (bytes.length < 8) return undefined;
    length = bytes.readUInt16BE(2);
    at = 4;
  }
  const size = at + 4 + length;
  if (bytes.length < size) return undefined;
  const mask = bytes.subarray(at, at + 4);
  const payload = Buffer.from(bytes.subarray(at + 4, size).map((byte, index) => byte ^ mask[index % 4]));
  return { opcode, payload, size };
}

function writeFrame(opcode, payload) {
  const head =
    payload.length < 126
      ? [128 | opcode, payload.length]
      : [128 | opcode, 126, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from(head), payload]);
}
