import assert from "node:assert/strict";
import type { Suite } from "../case.ts";
import { get, ok } from "../wire.ts";

const upgrade = get("/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n");
const switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

/** Upgraded connections. */
export const tunnels: Suite = {
  name: "tunnels",
  environment: {},
  cases: [
    {
      name: "after 101 bytes pass both ways, also those that came with the head",
      async run({ backend, connect }) {
        backend.onBytes = (socket, text) => {
          socket.write(text.startsWith("GET") ? `${switched}hello` : `echo ${text}`, "latin1");
          return true;
        };
        const client = connect();
        client.send(upgrade);
        const answer = await client.message();
        assert.match(answer.startLine, / 101 /);
        assert.equal(answer.headers["upgrade"], "websocket");
        assert.equal(answer.headers["connection"], "Upgrade");
        await client.wait(() => (client.received === "hello" ? true : undefined));
        client.send("\x00\xff");
        await client.wait(() => (client.received === "helloecho \x00\xff" ? true : undefined));
      },
    },
    {
      name: "an upgrade that the container declines leaves an ordinary connection",
      async run({ backend, connect }) {
        const client = connect();
        client.send(upgrade);
        assert.equal((await client.message()).body, "ok");
        backend.answer = ({ socket }) => socket.write(ok("second"));
        client.send(get());
        assert.equal((await client.message()).body, "second");
      },
    },
    {
      name: "a container that switches to something else is answered for: 502",
      async run({ backend, connect }) {
        backend.onBytes = (socket) => {
          socket.write(switched.replace("Upgrade: websocket", "Upgrade: other"));
          return true;
        };
        const client = connect();
        client.send(upgrade);
        assert.match((await client.message()).startLine, / 502 /);
      },
    },
    {
      name: "a container that switches unasked is answered for: 502",
      async run({ backend, exchange }) {
        backend.onBytes = (socket) => {
          socket.write(switched);
          return true;
        };
        assert.match((await exchange(get())).startLine, / 502 /);
      },
    },
    {
      name: "the tunnel ends when the client leaves",
      async run({ backend, connect }) {
        backend.onBytes = (socket, text) => {
          if (text.startsWith("GET")) socket.write(switched);
          return true;
        };
        const client = connect();
        client.send(upgrade);
        await client.message();
        client.destroy();
        await backend.until(() => backend.closedConnections > 0);
      },
    },
    {
      name: "the tunnel ends when the container leaves",
      async run({ backend, connect }) {
        backend.onBytes = (socket, text) => {
          if (text.startsWith("GET")) socket.write(switched);
          else socket.destroy();
          return true;
        };
        const client = connect();
        client.send(upgrade);
        await client.message();
        client.send("bye");
        await client.closed();
      },
    },
  ],
};

const afterTheLimitMs = 1400;
const ours = "a setting of ours; upstream's timers end it";

/** Limits that end when the answer begins. */
export const unlimitedStreams: Suite = {
  name: "unlimited streams",
  environment: {
    HAKN_UNLIMITED_STREAMS: "true",
    REVISION_TIMEOUT_SECONDS: "1",
    REVISION_RESPONSE_START_TIMEOUT_SECONDS: "1",
    REVISION_IDLE_TIMEOUT_SECONDS: "1",
  },
  cases: [
    {
      name: "a tunnel outlives all three limits",
      differs: ours,
      async run({ backend, connect }) {
        backend.onBytes = (socket, text) => {
          socket.write(text.startsWith("GET") ? switched : `echo ${text}`);
          return true;
        };
        const client = connect();
        client.send(upgrade);
        await client.message();
        await new Promise((resolve) => setTimeout(resolve, afterTheLimitMs));
        client.send("still there");
        await client.wait(() => (client.received === "echo still there" ? true : undefined));
      },
    },
    {
      name: "an answer that has begun may be silent for longer than the idle limit",
      differs: ours,
      async run({ backend, exchange }) {
        backend.answer = ({ socket }) => {
          socket.write("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
          setTimeout(() => socket.write("3\r\ndef\r\n0\r\n\r\n"), afterTheLimitMs);
        };
        assert.equal((await exchange(get())).body, "abcdef");
      },
    },
    {
      name: "an answer that does not begin is still waited for in vain",
      async run({ backend, exchange }) {
        backend.answer = () => {};
        assert.match((await exchange(get())).startLine, / 504 /);
      },
    },
    {
      name: "103 does not count as the beginning of an answer: 504",
      differs: "upstream appends its text to the early hints, or sends 200",
      async run({ backend, connect }) {
        backend.answer = ({ socket }) => socket.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
        const client = connect();
        client.send(get());
        assert.match((await client.message()).startLine, / 103 /);
        assert.match((await client.message()).startLine, / 504 /);
      },
    },
  ],
};

/** Tunnels with a time limit. */
export const tunnelTimeout: Suite = {
  name: "tunnels and the revision timeout",
  environment: { REVISION_TIMEOUT_SECONDS: "1" },
  cases: [
    {
      name: "a tunnel lives as long as the revision's time limit",
      async run({ backend, connect }) {
        backend.onBytes = (socket, text) => {
          if (text.startsWith("GET")) socket.write(switched);
          return true;
        };
        const client = connect();
        const startedMs = performance.now();
        client.send(upgrade);
        await client.message();
        await client.closed();
        assert.ok(performance.now() - startedMs > 800);
        await backend.until(() => backend.closedConnections > 0);
      },
    },
  ],
};
