import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Stream, constants, createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from "node:net";
import { afterEach, test } from "node:test";
import { fakeClock } from "../../testing/fake-clock.ts";
import { type Connections, createConnections } from "./connections.ts";

const closers: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A pod that speaks HTTP/2, and who is connected with it. Requests stay open until who asked ends them. */
async function makeWorld(maxConcurrentStreams = 100) {
  const sessions: ServerHttp2Session[] = [];
  const sockets: Socket[] = [];
  const server: Http2Server = createServer({ settings: { maxConcurrentStreams } });
  server.on("connection", (socket: Socket) => sockets.push(socket));
  server.on("session", (session) => sessions.push(session));
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200 });
    stream.on("end", () => stream.end());
    stream.resume();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const clock = fakeClock();
  const connections = createConnections(clock);
  closers.push(() => {
    connections.close();
    for (const session of sessions) session.destroy();
    server.close();
  });
  const endpoint = { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
  return { clock, connections, sessions, sockets, endpoint, ask: () => ask(connections, endpoint) };
}

async function ask(connections: Connections, endpoint: { host: string; port: number }): Promise<ClientHttp2Stream> {
  const head = { method: "GET", path: "/", authority: "app", headers: {}, hasBody: true };
  const stream = await connections.openHttp2(endpoint, head);
  await once(stream, "response");
  return stream;
}

/** Tells the type and stream of every frame that a client sends. */
function readFrames(socket: Socket, onFrame: (type: string, stream: number) => void): void {
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".length;
  const names: Record<number, string> = { 1: "HEADERS", 3: "RST_STREAM" };
  let left = Buffer.alloc(0);
  let skip = preface;
  socket.on("data", (part: Buffer) => {
    left = Buffer.concat([left, part]);
    while (left.length >= skip + 9) {
      left = left.subarray(skip);
      skip = 9 + left.readUIntBE(0, 3);
      onFrame(names[left[3]!] ?? "other", left.readUInt32BE(5));
    }
  });
}

async function finish(stream: ClientHttp2Stream): Promise<void> {
  const closed = once(stream, "close");
  stream.resume();
  stream.end();
  await closed;
}

test("requests share a connection while it has room, and are counted until they end", async () => {
  const { clock, connections, sessions, endpoint, ask } = await makeWorld();
  const [first, second] = [await ask(), await ask()];
  assert.equal(sessions.length, 1);
  assert.equal(connections.load(endpoint), 2);
  await finish(first);
  assert.equal(connections.load(endpoint), 1);
  await finish(second);
  assert.equal(connections.load(endpoint), 0);
  connections.close();
  assert.equal(clock.pendingTimers(), 0);
});

test("a connection whose other side takes no more requests is joined by another, and is used again later", async () => {
  const { sessions, ask } = await makeWorld(1);
  const first = await ask();
  const second = await ask();
  assert.equal(sessions.length, 2);
  await finish(first);
  const again = await ask();
  assert.equal(sessions.length, 2);
  const ended = once(again.session!, "close");
  sessions[0]!.close();
  await finish(again);
  await ended;
  await finish(second);
  await ask();
  assert.equal(sessions.length, 2, "the end of one is not the end of the other");
});

test("requests that come before the other side says how many it takes get connections of their own", async () => {
  const { connections, endpoint, sessions, ask } = await makeWorld(2);
  const streams = await Promise.all(Array.from({ length: 10 }, ask));
  assert.equal(sessions.length, 5);
  assert.equal(connections.load(endpoint), 10);
  for (const stream of streams) await finish(stream);
  await ask();
  assert.equal(sessions.length, 5, "those that gave their place up left it to others");
});

for (const end of ["close", "destroy"] as const) {
  test(`a pod hears that a request was given up before the next takes its place (${end})`, async () => {
    const { connections, endpoint, sessions } = await makeWorld(1);
    const heard: string[] = [];
    const ear = createTcpServer((socket) => {
      const pod = connectTcp(endpoint);
      readFrames(socket, (type, stream) => heard.push(`${type} of ${stream}`));
      socket
        .pipe(pod)
        .pipe(socket)
        .on("error", () => {});
    }).listen(0, "127.0.0.1");
    await once(ear, "listening");
    closers.push(() => ear.close());
    const through = { host: "127.0.0.1", port: (ear.address() as AddressInfo).port };
    const first = await ask(connections, through);
    const closed = once(first, "close");
    if (end === "close") first.close(constants.NGHTTP2_CANCEL);
    else first.destroy();
    await closed;
    const head = { method: "GET", path: "/", authority: "app", headers: {}, hasBody: false };
    // Node's own server may refuse it: it forgets the first only after it has read what follows.
    const second = await connections.openHttp2(through, head);
    second.on("error", () => {}).resume();
    await new Promise((resolve) => second.once("close", resolve));
    assert.deepEqual(heard.filter((frame) => /^(HEADERS|RST_STREAM)/.test(frame)).slice(0, 3), [
      "HEADERS of 1",
      "RST_STREAM of 1",
      "HEADERS of 3",
    ]);
    assert.equal(sessions.length, 1);
  });
}

test("where the other side takes no request for now, one waits on its connection", async () => {
  const { connections, endpoint, sessions } = await makeWorld(0);
  const head = { method: "GET", path: "/", authority: "app", headers: {}, hasBody: false };
  const stream = await connections.openHttp2(endpoint, head);
  const answered = once(stream, "response");
  sessions[0]!.settings({ maxConcurrentStreams: 1 });
  await answered;
  assert.equal(sessions.length, 1);
  await finish(stream);
});

test("a connection without requests is closed after a while", async () => {
  const { clock, sessions, ask } = await makeWorld();
  await finish(await ask());
  const closed = once(sessions[0]!, "close");
  await clock.advance(14_999);
  assert.equal(sessions[0]!.closed, false);
  await clock.advance(1);
  await closed;
  await ask();
  assert.equal(sessions.length, 2);
});

test("a connection that is in use again in time stays, however long the request takes", async () => {
  const { clock, sessions, ask } = await makeWorld();
  await finish(await ask());
  await clock.advance(10_000);
  await finish(await ask());
  await clock.advance(14_999);
  const stream = await ask();
  await clock.advance(60_000);
  await finish(stream);
  await clock.advance(14_999);
  await ask();
  assert.equal(sessions.length, 1);
});

test("a connection that the other side is about to close takes no new request", async () => {
  const { connections, endpoint, sessions, ask } = await makeWorld();
  const stream = await ask();
  const told = once(stream.session!, "goaway");
  sessions[0]!.goaway();
  await told;
  await ask();
  assert.equal(sessions.length, 2);
  assert.equal(connections.load(endpoint), 2, "the request that is under way goes on");
});

test("a connection that breaks takes its requests with it, and the next begin another", async () => {
  const { connections, endpoint, sessions, sockets, ask } = await makeWorld();
  const stream = await ask();
  const failed = assert.rejects(once(stream, "end"), /ECONNRESET/);
  const closed = new Promise((resolve) => stream.session!.once("close", resolve));
  sockets[0]!.resetAndDestroy();
  stream.resume();
  await failed;
  await closed;
  assert.equal(connections.load(endpoint), 0);
  await ask();
  assert.equal(sessions.length, 2);
});

test("a request that cannot be sent leaves its connection to others, which is closed when they are done", async () => {
  const { clock, connections, endpoint, sessions, ask } = await makeWorld();
  const head = { method: "GET", path: "/", authority: "app", headers: { upgrade: "x" }, hasBody: false };
  await assert.rejects(connections.openHttp2(endpoint, head), { code: "ERR_HTTP2_INVALID_CONNECTION_HEADERS" });
  await finish(await ask());
  assert.equal(sessions.length, 1);
  const closed = once(sessions[0]!, "close");
  await clock.advance(15_000);
  await closed;
});

test("where nobody listens, each request says so, and nothing is kept", async () => {
  const { clock, connections, ask } = await makeWorld();
  const nowhere = { host: "127.0.0.1", port: 1 };
  const head = { method: "GET", path: "/", authority: "app", headers: {}, hasBody: false };
  for (let attempt = 0; attempt < 2; attempt++) {
    await assert.rejects(connections.openHttp2(nowhere, head), /ECONNREFUSED/);
    await assert.rejects(connections.openHttp1(nowhere, head), /ECONNREFUSED/);
  }
  assert.equal(connections.load(nowhere), 0);
  await clock.advance(60_000);
  assert.equal(clock.pendingTimers(), 0);
  await ask();
});

test("a pod that hangs up before it takes requests is known at once, and asked anew by the next", async () => {
  const { clock, connections } = await makeWorld();
  let calls = 0;
  const busy = createTcpServer((socket) => {
    calls += 1;
    socket.end();
  }).listen(0, "127.0.0.1");
  await once(busy, "listening");
  closers.push(() => busy.close());
  const endpoint = { host: "127.0.0.1", port: (busy.address() as AddressInfo).port };
  const head = { method: "GET", path: "/", authority: "app", headers: {}, hasBody: false };
  for (let attempt = 0; attempt < 2; attempt++) {
    await assert.rejects(connections.openHttp2(endpoint, head), /closed before it could be used|ECONNRESET/);
  }
  assert.equal(calls, 2);
  assert.equal(clock.now(), fakeClock().now(), "no deadline was waited for");
});
