import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { inProcess } from "./subject.ts";

test("WebSockets by a real library: text, binary, a large message, ping, and an orderly end", async () => {
  const server = http.createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("message", (data, binary) => socket.send(data, { binary }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const subject = await inProcess()({}, (server.address() as AddressInfo).port);
  const client = new WebSocket(`ws://127.0.0.1:${subject.ports.main}/chat`, ["v1"]);
  const next = (event: string) => new Promise<unknown>((resolve) => client.once(event, resolve));
  try {
    await next("open");
    assert.equal(client.protocol, "v1");
    for (const message of ["hello", Buffer.from([0, 255, 13, 10]), Buffer.alloc(1_000_000, 7)]) {
      const answered = next("message");
      client.send(message);
      assert.deepEqual(Buffer.from((await answered) as Buffer), Buffer.from(message as Buffer));
    }
    const pong = next("pong");
    client.ping();
    await pong;
    const closed = next("close");
    client.close(4000, "done");
    assert.equal(await closed, 4000);
  } finally {
    client.terminate();
    await subject.stop();
    for (const socket of sockets.clients) socket.terminate();
    await new Promise((resolve) => server.close(resolve));
  }
});
