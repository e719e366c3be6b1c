import net from "node:net";
import { Readable } from "node:stream";

/** Downloads `bytes` from the bench's container through `port`, reading as fast as it comes. Rejects when it is cut short. */
export function downloadHuge(port: number, bytes: number): Promise<void> {
  const socket = net.connect(port, "127.0.0.1");
  socket.write(`GET /${bytes} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n`);
  return drained(socket, bytes);
}

/** Uploads `bytes` through `port` and waits for the answer. Rejects when there is none. */
export function uploadHuge(port: number, bytes: number): Promise<void> {
  const socket = net.connect(port, "127.0.0.1");
  socket.write(`POST / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nContent-Length: ${bytes}\r\n\r\n`);
  Readable.from(zeros(bytes)).pipe(socket, { end: false });
  return drained(socket, 1);
}

/** `bytes` of body in pieces. */
function* zeros(bytes: number): Generator<Buffer> {
  const piece = Buffer.alloc(256 * 1024);
  for (let left = bytes; left > 0; left -= piece.length) yield left < piece.length ? piece.subarray(0, left) : piece;
}

function drained(socket: net.Socket, atLeast: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = 0;
    socket.on("data", (chunk) => {
      received += chunk.length;
    });
    socket.on("error", reject);
    socket.on("close", () => {
      if (received >= atLeast) resolve();
      else reject(new Error(`connection closed after ${received} of ${atLeast} bytes`));
    });
  });
}
