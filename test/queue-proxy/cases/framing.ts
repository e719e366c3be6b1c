import assert from "node:assert/strict";
import type { Suite } from "../case.ts";
import { get, ok } from "../wire.ts";

const post = "POST /p HTTP/1.1\r\nHost: a\r\n";

/** Bodies, informational answers, connection reuse, and containers that misbehave. */
export const framing: Suite = {
  name: "framing",
  environment: {},
  cases: [
    {
      name: "a body with a length arrives with that length",
      async run({ backend, exchange }) {
        await exchange(`${post}Content-Length: 5\r\n\r\nhello`);
        const request = await backend.request();
        assert.equal(request.headers["content-length"], "5");
        assert.equal(request.headers["transfer-encoding"], undefined);
        assert.equal(request.body, "hello");
      },
    },
    {
      name: "a chunked body arrives chunked",
      async run({ backend, exchange }) {
        await exchange(`${post}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n`);
        const request = await backend.request();
        assert.equal(request.headers["transfer-encoding"], "chunked");
        assert.equal(request.headers["content-length"], undefined);
        assert.equal(request.body, "hello");
      },
    },
    {
      name: "chunk extensions are not passed on",
      async run({ backend, exchange }) {
        await exchange(`${post}Transfer-Encoding: chunked\r\n\r\n1;evil=1\r\na\r\n0\r\n\r\n`);
        assert.doesNotMatch((await backend.request()).rawBody, /evil/);
      },
    },
    {
      name: "request trailers are passed on",
      differs: "upstream announces them and loses them",
      async run({ backend, exchange }) {
        await exchange(`${post}Trailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: v\r\n\r\n`);
        const request = await backend.request();
        assert.equal(request.headers["trailer"], "X-T");
        assert.equal(request.trailers, "X-T: v\r\n");
      },
    },
    {
      name: "POST without a body gets Content-Length: 0",
      async run({ backend, exchange }) {
        await exchange(`${post}\r\n`);
        assert.equal((await backend.request()).headers["content-length"], "0");
      },
    },
    {
      name: "GET without a body gets no length",
      async run({ backend, exchange }) {
        await exchange(get());
        assert.equal((await backend.request()).headers["content-length"], undefined);
      },
    },
    {
      name: "an answer with a length keeps it",
      async run({ exchange }) {
        const answer = await exchange(get());
        assert.equal(answer.headers["content-length"], "2");
        assert.equal(answer.body, "ok");
      },
    },
    {
      name: "a chunked answer stays chunked",
      async run({ backend, exchange }) {
        backend.answer = ({ socket }) => {
          socket.write(
            "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
          );
        };
        const answer = await exchange(get());
        assert.equal(answer.headers["transfer-encoding"], "chunked");
        assert.equal(answer.body, "abc");
      },
    },
    {
      name: "answer trailers are announced and passed on",
      async run({ backend, exchange }) {
        backend.answer = ({ socket }) => {
          socket.write(
            "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: v\r\n\r\n",
          );
        };
        const answer = await exchange(get());
        assert.equal(answer.headers["trailer"], "X-T");
        assert.equal(answer.trailers, "X-T: v\r\n");
      },
    },
    {
      name: "an answer that ends with its connection becomes chunked",
      async run({ backend, exchange }) {
        backend.answer = ({ socket }) => {
          socket.end("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n\r\nabc");
        };
        const answer = await exchange(get());
        assert.equal(answer.headers["transfer-encoding"], "chunked");
        assert.equal(answer.body, "abc");
      },
    },
    {
      name: "an answer of unknown length to HTTP/1.0 ends with the connection",
      async run({ backend, connect }) {
        backend.answer = ({ socket }) => {
          socket.write(
            "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
          );
        };
        const client = connect();
        client.send("GET / HTTP/1.0\r\n\r\n");
        const all = await client.closed();
        assert.match(all, /^HTTP\/1\.0 200 OK\r\n/);
        assert.doesNotMatch(all, /chunked/i);
        assert.ok(all.endsWith("\r\n\r\nabc"), all);
      },
    },
    {
      name: "HTTP/1.0 with keep-alive keeps the connection",
      async run({ connect }) {
        const client = connect();
        for (let turn = 0; turn < 2; turn++) {
          client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
          const answer = await client.message();
          assert.equal(answer.startLine, "HTTP/1.0 200 OK");
          assert.equal(answer.headers["connection"], "keep-alive");
        }
      },
    },
    {
      name: "Connection: close ends the connection after the answer",
      async run({ connect }) {
        const client = connect();
        client.send(get("/", "Connection: close\r\n"));
        assert.equal((await client.message()).headers["connection"], "close");
        assert.equal(await client.closed(), "");
      },
    },
    {
      name: "HEAD keeps the length and has no body",
      async run({ backend, connect }) {
        backend.answer = ({ socket }) => {
          socket.write("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 10\r\n\r\n");
        };
        const client = connect();
        client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert.equal((await client.message(true)).headers["content-length"], "10");
        backend.answer = ({ socket }) => socket.write(ok("next"));
        client.send(get());
        assert.equal((await client.message()).body, "next");
      },
    },
    ...[204, 304].map((status) => ({
      name: `${status} has no body`,
      async run({ backend, connect }: Parameters<Suite["cases"][number]["run"]>[0]) {
        backend.answer = ({ socket }) => {
          socket.write(`HTTP/1.1 ${status} X\r\nEtag: "e"\r\n\r\n`);
        };
        const client = connect();
        client.send(get());
        const answer = await client.message();
        assert.match(answer.startLine, new RegExp(` ${status} `));
        assert.equal(answer.headers["transfer-encoding"], undefined);
        backend.answer = ({ socket }) => socket.write(ok("next"));
        client.send(get());
        assert.equal((await client.message()).body, "next");
      },
    })),
    {
      name: "103 is passed on, and the final status is the container's",
      differs: "with request metrics on, upstream answers 200 whatever the container says after a 103",
      async run({ backend, connect }) {
        backend.answer = ({ socket }) => {
          socket.write(
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Type: a/b\r\nContent-Length: 1\r\n\r\nn",
          );
        };
        const client = connect();
        client.send(get());
        const early = await client.message();
        assert.match(early.startLine, / 103 /);
        assert.equal(early.headers["link"], "</a>");
        assert.match((await client.message()).startLine, / 404 /);
      },
    },
    {
      name: "the client is asked to continue when the container asks",
      async run({ backend, connect }) {
        backend.onBytes = (socket, text) => {
          if (!text.includes("100-continue")) return false;
          socket.write("HTTP/1.1 100 Continue\r\n\r\n");
          backend.onBytes = undefined;
          return false;
        };
        const client = connect();
        client.send(`${post}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`);
        assert.match((await client.message()).startLine, / 100 /);
        client.send("hi");
        assert.match((await client.message()).startLine, / 200 /);
        assert.equal((await backend.request()).body, "hi");
      },
    },
    {
      name: "pipelined requests are answered in order",
      async run({ backend, connect }) {
        backend.answer = ({ socket, startLine }) => socket.write(ok(startLine.split(" ")[1]!));
        const client = connect();
        client.send(get("/1") + get("/2") + get("/3"));
        for (const path of ["/1", "/2", "/3"]) assert.equal((await client.message()).body, path);
      },
    },
    {
      name: "the container's connection is used again after a clean exchange",
      async run({ backend, connect }) {
        const client = connect();
        client.send(get());
        await client.message();
        client.send(get());
        await client.message();
        assert.equal(backend.requests[0]!.connection, backend.requests[1]!.connection);
      },
    },
    {
      name: "surplus bytes after an answer are thrown away with their connection",
      async run({ backend, connect }) {
        backend.answer = ({ socket }) => socket.write(`${ok("one")}HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nEVIL!`);
        const client = connect();
        client.send(get());
        assert.equal((await client.message()).body, "one");
        backend.answer = ({ socket }) => socket.write(ok("two"));
        client.send(get());
        assert.equal((await client.message()).body, "two");
        assert.notEqual(backend.requests[0]!.connection, backend.requests[1]!.connection);
      },
    },
    {
      name: "Connection: close of the container is obeyed",
      async run({ backend, connect }) {
        backend.answer = ({ socket }) =>
          socket.end("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
        const client = connect();
        client.send(get());
        assert.equal((await client.message()).headers["connection"], undefined);
        client.send(get());
        await client.message();
        assert.notEqual(backend.requests[0]!.connection, backend.requests[1]!.connection);
      },
    },
    {
      name: "an idle connection that died is replaced without the client's knowing",
      async run({ backend, connect }) {
        const client = connect();
        client.send(get());
        await client.message();
        backend.answer = ({ socket, connection }) => {
          if (connection === backend.requests[0]!.connection) socket.destroy();
          else socket.write(ok("again"));
        };
        client.send(get());
        assert.equal((await client.message()).body, "again");
      },
    },
    {
      name: "garbage from the container is answered 502",
      async run({ backend, exchange }) {
        backend.answer = ({ socket }) => socket.end("garbage\r\n\r\n");
        const answer = await exchange(get());
        assert.equal(answer.startLine, "HTTP/1.1 502 Bad Gateway");
        assert.match(answer.body, /malformed HTTP response "garbage"\n$/);
        assert.equal(answer.headers["x-content-type-options"], "nosniff");
      },
    },
    {
      name: "a container that closes without an answer is answered 502 EOF",
      async run({ backend, exchange }) {
        backend.answer = ({ socket }) => socket.end();
        const answer = await exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
        assert.equal(answer.startLine, "HTTP/1.1 502 Bad Gateway");
        assert.match(answer.body, /EOF\n$/);
      },
    },
    {
      name: "an answer with both lengths is read as chunked, and its connection not used again",
      async run({ backend, connect }) {
        backend.answer = ({ socket }) => {
          socket.write(
            "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
          );
        };
        const client = connect();
        client.send(get());
        const answer = await client.message();
        assert.equal(answer.body, "ok");
        assert.equal(answer.headers["content-length"], undefined);
      },
    },
    {
      name: "answers with two different lengths are refused",
      async run({ backend, exchange }) {
        backend.answer = ({ socket }) => {
          socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk");
        };
        assert.match((await exchange(get())).startLine, / 502 /);
      },
    },
    {
      name: "a header with CR in an answer does not reach the client",
      async run({ backend, exchange }) {
        backend.answer = ({ socket }) => {
          socket.write("HTTP/1.1 200 OK\r\nX-A: 1\rX-B: 2\r\nContent-Length: 2\r\n\r\nok");
        };
        const answer = await exchange(get());
        assert.doesNotMatch(answer.headerText, /\r(?!\n)/);
      },
    },
    {
      name: "bare LF line ends of a container are put right",
      async run({ backend, exchange }) {
        backend.answer = ({ socket }) => socket.write("HTTP/1.1 200 OK\nContent-Type: a/b\nContent-Length: 2\n\nok");
        const answer = await exchange(get());
        assert.equal(answer.body, "ok");
        assert.equal(answer.headers["content-type"], "a/b");
      },
    },
    {
      name: "a container that dies within its answer cuts the client off",
      async run({ backend, connect }) {
        backend.answer = ({ socket }) =>
          socket.end("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 10\r\n\r\nabc");
        const client = connect();
        client.send(get());
        const all = await client.closed();
        assert.ok(!all.includes("\r\n\r\nabc") || all.endsWith("abc"), all);
      },
    },
    {
      name: "a chunked answer that is cut off never looks complete",
      async run({ backend, connect }) {
        backend.answer = ({ socket }) => {
          socket.end("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
        };
        const client = connect();
        client.send(get());
        assert.doesNotMatch(await client.closed(), /0\r\n\r\n$/);
      },
    },
    {
      name: "a client that leaves takes the container's connection with it",
      async run({ backend, connect }) {
        backend.answer = () => {};
        const client = connect();
        client.send(get());
        await backend.request();
        client.destroy();
        await backend.until(() => backend.closedConnections > 0);
      },
    },
    {
      name: "an early answer to a large upload reaches the client",
      differs:
        "upstream holds the answer back until it has read 256 kB of the body, which a waiting client never sends",
      async run({ backend, connect }) {
        backend.onBytes = (socket, text) => {
          if (text.startsWith("POST"))
            socket.write("HTTP/1.1 413 Too Large\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nno");
          return true;
        };
        const client = connect();
        client.send(`${post}Content-Length: 1000000\r\n\r\n${"x".repeat(10_000)}`);
        assert.match((await client.message()).startLine, / 413 /);
      },
    },
    {
      name: "a megabyte goes up and comes back unchanged",
      async run({ backend, connect }) {
        backend.answer = ({ socket, body }) => socket.write(ok(body), "latin1");
        const body = Array.from({ length: 100_000 }, (_, index) => String(index % 10).padStart(10, "abcdefghi")).join(
          "",
        );
        const client = connect();
        client.send(`${post}Content-Length: ${body.length}\r\n\r\n${body}`);
        assert.equal((await client.message()).body, body);
      },
    },
  ],
};
