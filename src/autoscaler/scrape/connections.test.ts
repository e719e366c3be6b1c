import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { AnswerError, createAnswerReader } from "./answer-reader.ts";
import { ClosedError, createConnections, TimeoutError } from "./connections.ts";

interface Row {
  readonly name: string;
  readonly bytes: string;
  /** Status, content type, body, and "keep" or "close"; or what is wrong with the bytes. */
  readonly want: readonly [number, string, string, "keep" | "close"] | RegExp;
  /** Whether the answer ends with the connection. */
  readonly ends?: boolean;
  /** What is wrong shows only when all bytes come at once. */
  readonly atOnce?: boolean;
}

const rows: Row[] = [
  {
    name: "a body with a length",
    bytes: "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello",
    want: [200, "a/b", "hello", "keep"],
  },
  { name: "no body", bytes: "HTTP/1.1 204 No Content\r\n\r\n", want: [204, "", "", "keep"] },
  { name: "no reason", bytes: "HTTP/1.1 503\r\ncontent-length:0\r\n\r\n", want: [503, "", "", "keep"] },
  {
    name: "the other end will close",
    bytes: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
    want: [200, "", "x", "close"],
  },
  { name: "HTTP/1.0", bytes: "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", want: [200, "", "x", "close"] },
  {
    name: "chunks",
    bytes: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
    want: [200, "", "hello", "keep"],
  },
  {
    name: "chunks and trailers",
    bytes: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n",
    want: [200, "", "x", "keep"],
  },
  {
    name: "a body that ends with the connection",
    bytes: "HTTP/1.1 200 OK\r\n\r\nall",
    ends: true,
    want: [200, "", "all", "close"],
  },
  {
    name: "more than was announced",
    atOnce: true,
    bytes: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n",
    want: [200, "", "x", "close"],
  },
  {
    name: "hints before it",
    bytes:
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
    want: [200, "", "x", "keep"],
  },
  { name: "garbage", bytes: "\x16\x03\x01\r\n\r\n", want: /not an HTTP answer/ },
  {
    name: "a length that is none",
    bytes: "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    want: /content-length is "-1"/,
  },
  {
    name: "a chunk whose length is none",
    bytes: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    want: /length is "zz"/,
  },
  { name: "a long body", bytes: "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", want: /longer than 100 bytes/ },
  {
    name: "a long body that ends with the connection",
    bytes: `HTTP/1.1 200 OK\r\n\r\n${"x".repeat(101)}`,
    want: /longer than 100/,
  },
  { name: "a head without end", bytes: `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(3000)}`, want: /head is longer/ },
];

for (const { name, bytes, want, ends = false, atOnce = false } of rows) {
  for (const step of atOnce ? [bytes.length] : [1, 7, bytes.length]) {
    test(`an answer is read: ${name}, ${step} bytes at a time`, () => {
      const reader = createAnswerReader(100);
      const read = () => {
        let answer: ReturnType<typeof reader.take>;
        for (let at = 0; at < bytes.length && !answer; at += step) {
          answer = reader.take(Buffer.from(bytes.slice(at, at + step), "latin1"));
        }
        return answer ?? (ends ? reader.end() : undefined);
      };
      if (want instanceof RegExp) {
        assert.throws(read, (error) => error instanceof AnswerError && want.test(error.message));
        return;
      }
      const answer = read();
      assert.ok(answer);
      const { status, contentType, body, keepAlive } = answer;
      assert.deepEqual([status, contentType, body.toString(), keepAlive ? "keep" : "close"], want);
    });
  }
}

interface Pool {
  ask(keep: boolean): Promise<string>;
  close(): void;
  /** How many connections came to the server so far. */
  opened(): number;
  /** Settles once so many of them have been closed by the pool. */
  untilClosed(count: number): Promise<void>;
}

/**
 * A server whose connections are handled by `handle`, and which closes none by itself; runs `use` with a pool that asks it.
 * In the end every connection must have been closed by the pool.
 */
async function withServer(
  handle: (socket: Socket, number: number) => void,
  use: (pool: Pool) => Promise<void>,
  timeoutMs = 5000,
): Promise<void> {
  let opened = 0;
  let ended = 0;
  const endings = new EventEmitter();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.on("end", () => socket.destroy());
    socket.on("close", () => endings.emit("another", ++ended));
    // Else its end would not be noticed.
    socket.resume();
    handle(socket, ++opened);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const connections = createConnections({ timeoutMs, longestBody: 100 });
  try {
    await use({
      ask: async (keep) =>
        (await connections.ask({ host: "127.0.0.1", port }, "GET / HTTP/1.1\r\n\r\n", keep)).body.toString(),
      close: connections.close,
      opened: () => opened,
      async untilClosed(count) {
        while (ended < count) await once(endings, "another");
      },
    });
  } finally {
    connections.close();
    server.close();
    await once(server, "close");
  }
}

const answering = (socket: Socket, number: number) =>
  socket.on("data", () => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${number}`));

test("a connection is kept for the next request, unless another is wanted, which is closed at once", () =>
  withServer(answering, async ({ ask, opened, untilClosed }) => {
    assert.deepEqual([await ask(true), await ask(true), await ask(false), await ask(true)], ["1", "1", "2", "1"]);
    await untilClosed(1);
    assert.deepEqual((await Promise.all([ask(true), ask(true)])).sort(), ["1", "3"]);
    assert.equal(opened(), 3);
  }));

test("a kept connection that the other end closes when it is asked again is replaced", () =>
  withServer(
    (socket, number) =>
      socket.once("data", () => {
        if (number === 1) socket.once("data", () => socket.resetAndDestroy());
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${number}`);
      }),
    async ({ ask }) => assert.deepEqual([await ask(true), await ask(true)], ["1", "2"]),
  ));

const spoiled: [string, (socket: Socket) => void][] = [
  ["half-closed", (socket) => socket.end()],
  ["reset", (socket) => socket.resetAndDestroy()],
  ["filled with bytes that nobody asked for", (socket) => socket.write("HTTP/1.1 408 Request Timeout\r\n\r\n")],
];
for (const [name, spoil] of spoiled) {
  test(`a kept connection that is ${name} is closed, and another one used`, () =>
    withServer(
      (socket, number) => {
        answering(socket, number);
        if (number === 1) socket.once("data", () => setImmediate(spoil, socket));
      },
      async ({ ask, untilClosed }) => {
        assert.equal(await ask(true), "1");
        await untilClosed(1);
        assert.deepEqual([await ask(true), await ask(true)], ["2", "2"]);
      },
    ));
}

test("a connection that breaks in the middle of an answer is an error", () =>
  withServer(
    (socket) => socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\n", () => socket.end())),
    ({ ask }) => assert.rejects(ask(true), /closed before the answer/),
  ));

const slow: [string, (socket: Socket) => void][] = [
  ["none at all", () => {}],
  [
    "a byte from time to time",
    (socket) => {
      const timer = setInterval(() => socket.write("H"), 5);
      socket.on("close", () => clearInterval(timer));
    },
  ],
  [
    "hints without end",
    (socket) => {
      const timer = setInterval(() => socket.write("HTTP/1.1 100 Continue\r\n\r\n"), 5);
      socket.on("close", () => clearInterval(timer));
    },
  ],
];
for (const [name, handle] of slow) {
  test(`no answer in time is an error, and is not asked for again: ${name}`, () =>
    withServer(
      handle,
      async ({ ask, opened, untilClosed }) => {
        await assert.rejects(ask(true), TimeoutError);
        await untilClosed(1);
        assert.equal(opened(), 1);
      },
      40,
    ));
}

test("closing gives up what is under way, closes what is kept, and refuses what is asked later", () =>
  withServer(
    (socket, number) => {
      if (number <= 2) answering(socket, number);
    },
    async ({ ask, opened, close, untilClosed }) => {
      await Promise.all([ask(true), ask(true)]);
      const waiting = [ask(false), ask(false)].map((asked) => assert.rejects(asked, ClosedError));
      const again = assert.rejects(ask(true), ClosedError);
      close();
      await Promise.all([...waiting, again]);
      await assert.rejects(ask(true), ClosedError);
      await untilClosed(opened());
    },
  ));

test("nobody listens", async () => {
  const connections = createConnections({ timeoutMs: 5000, longestBody: 100 });
  await assert.rejects(connections.ask({ host: "127.0.0.1", port: 1 }, "GET / HTTP/1.1\r\n\r\n", true), /ECONNREFUSED/);
  connections.close();
});
