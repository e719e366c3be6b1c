import assert from "node:assert/strict";
import type { Suite } from "../case.ts";
import { get, ok } from "../wire.ts";

/** One slot, ten places in the queue. */
export const breaker: Suite = {
  name: "breaker",
  environment: { CONTAINER_CONCURRENCY: "1" },
  cases: [
    {
      name: "the twelfth request at once is refused with 503",
      async run({ subject, backend, connect, exchange }) {
        backend.answer = () => {};
        const first = connect();
        first.send(get("/0"));
        const { socket } = await backend.request();
        const clients = Array.from({ length: 13 }, () => connect());
        for (const client of clients) client.send(get("/n"));
        // Three more than fit are refused at once.
        await backend.until(() => clients.filter((client) => client.received !== "").length === 3);
        const refused = clients.filter((client) => client.received !== "");
        for (const client of refused) {
          const answer = await client.message();
          assert.match(answer.startLine, / 503 /);
          assert.equal(answer.body, "pending request queue full\n");
        }
        const counts = (await exchange(get("/metrics"), subject.ports.userMetrics)).body.split("\n");
        const refusals = counts.filter((line) => line.includes('response_code="503"'));
        assert.ok(refusals.some((line) => line.startsWith("revision_request_count{") && line.endsWith(" 3")));
        assert.ok(!refusals.some((line) => line.startsWith("revision_app_request_count{")));
        backend.answer = (request) => request.socket.write(ok("later"));
        socket.write(ok("first"));
        assert.equal((await first.message()).body, "first");
        for (const client of clients) {
          if (!refused.includes(client)) assert.equal((await client.message()).body, "later");
        }
      },
    },
    {
      name: "the container never sees two requests at once",
      async run({ backend, connect }) {
        let running = 0;
        let most = 0;
        backend.answer = ({ socket }) => {
          most = Math.max(most, ++running);
          setTimeout(() => {
            running--;
            socket.write(ok("x"));
          }, 5);
        };
        const clients = Array.from({ length: 8 }, () => connect());
        for (const client of clients) client.send(get());
        for (const client of clients) await client.message();
        assert.equal(most, 1);
      },
    },
    {
      name: "a client that leaves the queue is not sent to the container",
      async run({ backend, connect }) {
        backend.answer = () => {};
        const first = connect();
        first.send(get("/first"));
        const { socket } = await backend.request();
        const leaving = connect();
        leaving.send(get("/leaving"));
        const staying = connect();
        staying.send(get("/staying"));
        await new Promise((resolve) => setTimeout(resolve, 50));
        leaving.destroy();
        await new Promise((resolve) => setTimeout(resolve, 50));
        backend.answer = (request) => request.socket.write(ok("x"));
        socket.write(ok("x"));
        await first.message();
        await staying.message();
        assert.deepEqual(
          backend.requests.map((request) => request.startLine.split(" ")[1]),
          ["/first", "/staying"],
        );
      },
    },
    {
      name: "a client that leaves a running request frees its slot",
      async run({ backend, connect }) {
        backend.answer = () => {};
        const first = connect();
        first.send(get());
        await backend.request();
        first.destroy();
        backend.answer = (request) => request.socket.write(ok("next"));
        const second = connect();
        second.send(get());
        assert.equal((await second.message()).body, "next");
      },
    },
    {
      name: "a kubelet's request passes a full breaker",
      async run({ backend, connect, exchange }) {
        backend.answer = () => {};
        const first = connect();
        first.send(get());
        await backend.request();
        backend.answer = (request) => request.socket.write(ok("passed"));
        assert.equal((await exchange(get("/", "K-Kubelet-Probe: 1\r\n"))).body, "passed");
      },
    },
  ],
};

/** A time limit of one second. */
export const timeouts: Suite = {
  name: "revision timeout",
  environment: { REVISION_TIMEOUT_SECONDS: "1", CONTAINER_CONCURRENCY: "1" },
  cases: [
    {
      name: "a container that does not begin to answer in time is answered for: 504",
      async run({ subject, backend, connect, exchange }) {
        backend.answer = () => {};
        const client = connect();
        client.send(get());
        const waiting = connect();
        await backend.request();
        // Late enough that its own time is not over together with the first one's.
        setTimeout(() => waiting.send(get("/queued")), 300);
        const answer = await client.message();
        assert.equal(answer.startLine, "HTTP/1.1 504 Gateway Timeout");
        assert.equal(answer.body, "request timeout");
        assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8");
        const counts = (await exchange(get("/metrics"), subject.ports.userMetrics)).body.split("\n");
        assert.ok(counts.some((line) => /^revision_request_count\{.*response_code="504".* 1$/.test(line)));
        // The slot is free again, and the connection to the container gone.
        await backend.until(() => backend.closedConnections > 0);
        await backend.request(1);
      },
    },
    {
      name: "an answer that has begun may go on",
      async run({ backend, connect }) {
        backend.answer = ({ socket }) => {
          socket.write("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 4\r\n\r\nab");
          setTimeout(() => socket.write("cd"), 1300);
        };
        const client = connect();
        client.send(get());
        assert.equal((await client.message()).body, "abcd");
      },
    },
  ],
};

/** A limit of zero. */
export const zeroTimeout: Suite = {
  name: "revision timeout of zero",
  environment: { REVISION_TIMEOUT_SECONDS: "0" },
  cases: [
    {
      name: "every request is answered 504",
      async run({ exchange, backend }) {
        backend.answer = () => {};
        const answer = await exchange(get());
        assert.match(answer.startLine, / 504 /);
        assert.equal(answer.body, "request timeout");
      },
    },
  ],
};

/** A limit for the first byte. */
export const responseStart: Suite = {
  name: "response start timeout",
  environment: { REVISION_RESPONSE_START_TIMEOUT_SECONDS: "1" },
  cases: [
    {
      name: "no first byte in time: 504",
      async run({ exchange, backend }) {
        backend.answer = () => {};
        assert.match((await exchange(get())).startLine, / 504 /);
      },
    },
  ],
};

/** A limit for silence. */
export const idle: Suite = {
  name: "idle timeout",
  environment: { REVISION_IDLE_TIMEOUT_SECONDS: "1" },
  cases: [
    {
      name: "silence before the answer: 504",
      async run({ exchange, backend }) {
        backend.answer = () => {};
        assert.match((await exchange(get())).startLine, / 504 /);
      },
    },
    {
      name: "silence within a streamed answer ends it with a note",
      async run({ exchange, backend }) {
        backend.answer = ({ socket }) => {
          socket.write("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
        };
        const answer = await exchange(get());
        assert.match(answer.startLine, / 200 /);
        assert.equal(answer.body, "abcrequest timeout");
      },
    },
  ],
};
