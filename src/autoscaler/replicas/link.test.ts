import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { type WebSocket, WebSocketServer } from "ws";
import { silentLogger } from "../../lib/log.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import { createLinks } from "./link.ts";

test("a link is made again when it breaks, and leaves nothing behind when it is closed", async () => {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  const accepted: WebSocket[] = [];
  const waiting: (() => void)[] = [];
  sockets.on("connection", (socket) => {
    accepted.push(socket);
    waiting.shift()?.();
  });
  const nextConnection = () => new Promise<void>((resolve) => void waiting.push(resolve));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  const clock = fakeClock();
  let opened = Promise.withResolvers<void>();
  const first = nextConnection();
  const link = createLinks(clock, silentLogger)(`ws://127.0.0.1:${port}/memory`, () => opened.resolve());
  assert.equal(link.send("too early"), false);
  await Promise.all([first, opened.promise]);

  const arrived = once(accepted[0]!, "message");
  assert.equal(link.send("hello"), true);
  assert.equal(String((await arrived)[0]), "hello");

  opened = Promise.withResolvers();
  const second = nextConnection();
  accepted[0]!.terminate();
  // The back-off's timer is set when the break is noticed: the only timer then.
  while (link.send("?")) await new Promise((resolve) => setImmediate(resolve));
  while (clock.pendingTimers() !== 1) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(5000);
  await Promise.all([second, opened.promise]);
  assert.equal(link.send("again"), true);

  const gone = once(accepted[1]!, "close");
  link.close();
  await gone;
  assert.equal(link.send("too late"), false);
  while (clock.pendingTimers() > 0) await new Promise((resolve) => setImmediate(resolve));
  sockets.close();
  server.close();
  await once(server, "close");
});
