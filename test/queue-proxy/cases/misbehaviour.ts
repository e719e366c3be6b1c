import assert from "node:assert/strict";
import type { Scene, Suite } from "../case.ts";
import { get, ok, type RawClient } from "../wire.ts";

const head = "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n";

/** What a container says or does in an answer's place, and what the client is told. */
interface Answered {
  readonly name: string;
  readonly says: string;
  /** What it does next; absent: it stays. */
  readonly ends?: "by closing" | "by a reset";
  readonly body?: RegExp;
  readonly differs?: string;
}

const refusedAnswers: readonly Answered[] = [
  { name: "half a head and an end", says: "HTTP/1.1 200 OK\r\nContent-Ty", ends: "by closing" },
  { name: "half a head and a reset", says: "HTTP/1.1 200 OK\r\nContent-Ty", ends: "by a reset" },
  { name: "nothing and a reset", says: "", ends: "by a reset" },
  { name: "an HTTP/2 preface", says: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", body: /malformed HTTP/ },
  { name: "NUL bytes", says: "\0".repeat(100_000), ends: "by closing" },
  { name: "a head without end", says: `${head}X-A: ${"a".repeat(12_000_000)}`, ends: "by closing" },
  {
    name: "early hints without end",
    says: "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n".repeat(300_000),
    differs: "with request metrics on, Go's recorder takes the 103 for the status, and 200 reaches the client",
    ends: "by closing",
  },
  { name: "a status of two digits", says: "HTTP/1.1 20 OK\r\n\r\n", body: /malformed HTTP/ },
  { name: "a negative length", says: `${head}Content-Length: -1\r\n\r\n` },
  { name: "a length that is no number", says: `${head}Content-Length: ten\r\n\r\n` },
  { name: "a header without a colon", says: `${head}nonsense\r\n\r\n` },
  { name: "an unknown transfer coding", says: `${head}Transfer-Encoding: gzip\r\n\r\n` },
];

/** Bodies that end before their time: the client must never take them for whole. */
const cutAnswers: readonly Answered[] = [
  { name: "a body shorter than its length", says: `${head}Content-Length: 10\r\n\r\nabc`, ends: "by closing" },
  {
    name: "a body shorter than its length, then a reset",
    says: `${head}Content-Length: 10\r\n\r\nabc`,
    ends: "by a reset",
  },
  {
    name: "chunks without the last",
    says: `${head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`,
    ends: "by closing",
  },
  { name: "a chunk size that is none", says: `${head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n` },
  { name: "trailers without end", says: `${head}Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n`, ends: "by closing" },
];

function answerWith(scene: Scene, { says, ends }: Answered): void {
  scene.backend.answer = ({ socket }) => {
    const go = () =>
      ends === "by closing" ? socket.end() : ends === "by a reset" ? socket.resetAndDestroy() : undefined;
    if (says === "") go();
    else socket.write(says, "latin1", go);
  };
}

/** The proxy is as good as new: it answers, over any connection. */
async function stillServes({ backend, exchange }: Scene): Promise<void> {
  backend.answer = ({ socket }) => socket.write(ok("fine"));
  assert.equal((await exchange(get("/afterwards"))).body, "fine");
}

/** Skips what comes before the final answer. */
async function finalAnswer(client: RawClient) {
  for (;;) {
    const message = await client.message();
    if (!/ 1\d\d /.test(message.startLine)) return message;
  }
}

/** Peers that lie, stall or leave: defined outcomes, and nothing of them stays. */
export const misbehaviour: Suite = {
  name: "misbehaviour",
  environment: {},
  cases: [
    ...refusedAnswers.map((answered) => ({
      name: `a container that says ${answered.name} is answered for: 502`,
      ...(answered.differs !== undefined && { differs: answered.differs }),
      async run(scene: Scene) {
        answerWith(scene, answered);
        const client = scene.connect();
        client.send(get());
        const answer = await finalAnswer(client);
        assert.match(answer.startLine, / 502 /);
        if (answered.body) assert.match(answer.body, answered.body);
        await stillServes(scene);
      },
    })),
    ...cutAnswers.map((answered) => ({
      name: `a container that says ${answered.name} is not believed`,
      async run(scene: Scene) {
        answerWith(scene, answered);
        const client = scene.connect();
        client.send(get());
        const received = await client.closed();
        assert.doesNotMatch(received, /\r\n0\r\n/);
        await stillServes(scene);
      },
    })),
    {
      name: "a container that closes its side after a whole answer loses its connection, not the answer",
      async run(scene) {
        const { backend, exchange } = scene;
        backend.answer = ({ socket }) => socket.end(ok("last words"));
        assert.equal((await exchange(get())).body, "last words");
        const before = backend.connections;
        await stillServes(scene);
        assert.equal(backend.connections, before + 1);
      },
    },
    {
      name: "a client that closes its side within the body takes the container's connection with it",
      async run(scene) {
        const { backend, connect } = scene;
        backend.onBytes = () => true;
        const client = connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
        client.socket.end();
        await client.closed();
        await backend.until(() => backend.closedConnections > 0);
        backend.onBytes = undefined;
        await stillServes(scene);
      },
    },
    {
      name: "a client that resets within the body takes the container's connection with it",
      async run(scene) {
        const { backend, connect } = scene;
        let heard = "";
        backend.onBytes = (_socket, text) => {
          heard += text;
          return true;
        };
        const client = connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
        await backend.until(() => heard.endsWith("abc"));
        client.socket.resetAndDestroy();
        await backend.until(() => backend.closedConnections > 0);
        backend.onBytes = undefined;
        await stillServes(scene);
      },
    },
    {
      name: "five hundred idle connections are no hindrance",
      async run(scene) {
        const idle = Array.from({ length: 500 }, () => scene.connect());
        await Promise.all(idle.map((client) => new Promise((resolve) => client.socket.once("connect", resolve))));
        await stillServes(scene);
        for (const client of idle) client.send(get());
        for (const client of idle) assert.equal((await client.message()).body, "fine");
      },
    },
    {
      name: "a client that does not read holds nobody else up",
      async run(scene) {
        const { backend, connect } = scene;
        const big = "x".repeat(8_000_000);
        backend.answer = ({ socket }) => socket.write(ok(big));
        const slow = connect();
        slow.socket.pause();
        slow.send(get("/slow"));
        await backend.request();
        await stillServes(scene);
        slow.socket.resume();
        assert.equal((await slow.message()).body.length, big.length);
      },
    },
  ],
};
