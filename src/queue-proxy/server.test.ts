import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fakeClock } from "../testing/fake-clock.ts";
import { answerWith } from "./answer.ts";
import { HeaderList } from "./codec/headers.ts";
import type { Handler } from "./message.ts";
import { type Server, serve } from "./server.ts";
import type { ConnectionEvents, Network } from "./transport.ts";

const whole = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const http2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const http2Settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00";

const handler: Handler = (_request, responder) => {
  answerWith(responder, 200, new HeaderList(), "fine");
  return { body() {}, end() {}, writable() {}, aborted() {} };
};

/** A client's connection without a network. */
interface Peer {
  send(text: string): Promise<void>;
  /** Closes the client's writing side. */
  end(): Promise<void>;
  readonly received: () => string;
  readonly state: () => "open" | "ended" | "destroyed";
}

/** A server whose network and clock are the test's. */
async function start(): Promise<{ clock: ReturnType<typeof fakeClock>; server: Server; connect(): Peer }> {
  const clock = fakeClock();
  let accept: Parameters<Network["listen"]>[1] | undefined;
  const network: Network = {
    async listen(_options, accepted) {
      accept = accepted;
      return { port: 1, close: async () => {}, setKeyPair: () => {} };
    },
    connect: () => () => {},
  };
  const server = await serve(network, clock, { address: "", port: 0, handler });
  return {
    clock,
    server,
    connect() {
      let received = "";
      let state: "open" | "ended" | "destroyed" = "open";
      const events: ConnectionEvents = accept!({
        remoteAddress: "10.0.0.1:1",
        secure: false,
        write(chunk) {
          received += Buffer.from(chunk).toString("latin1");
          return true;
        },
        end(sent) {
          state = "ended";
          sent();
        },
        destroy() {
          if (state === "destroyed") return;
          state = "destroyed";
          events.close();
        },
        pause() {},
        resume() {},
      });
      return {
        async send(text) {
          events.data(Buffer.from(text, "latin1"));
          await clock.advance(0);
        },
        async end() {
          events.end();
          await clock.advance(0);
        },
        received: () => received,
        state: () => state,
      };
    },
  };
}

describe("clients that take their time", () => {
  test("a connection on which nothing comes ends after a minute", async () => {
    const { clock, connect } = await start();
    const peer = connect();
    await clock.advance(59_999);
    assert.equal(peer.state(), "open");
    await clock.advance(1);
    assert.equal(peer.state(), "destroyed");
    assert.equal(clock.pendingTimers(), 0);
  });

  for (const [name, text] of [
    ["a head", whole.slice(0, -1)],
    ["the preface of HTTP/2", http2Preface.slice(0, -1)],
  ] as const) {
    test(`${name} that comes drop by drop has a minute in all`, async () => {
      const { clock, connect } = await start();
      const peer = connect();
      for (const [at, byte] of [...text].entries()) {
        if (at > 0) await clock.advance(2000);
        await peer.send(byte);
      }
      await clock.advance(60_000 - clock.monotonic() - 1);
      assert.equal(peer.state(), "open");
      await clock.advance(1);
      assert.equal(peer.state(), "destroyed");
    });
  }

  test("between requests a client may be silent for as long as it likes, within a head for a minute", async () => {
    const { clock, connect } = await start();
    const peer = connect();
    await peer.send(whole);
    assert.match(peer.received(), /^HTTP\/1\.1 200 .*\r\n\r\nfine$/s);
    await clock.advance(3_600_000);
    assert.equal(peer.state(), "open");
    await peer.send("GET");
    await clock.advance(59_999);
    assert.equal(peer.state(), "open");
    await clock.advance(1);
    assert.equal(peer.state(), "destroyed");
  });

  test("a client of HTTP/2 that has said its preface and SETTINGS, and nothing else, is kept", async () => {
    const { clock, connect } = await start();
    const peer = connect();
    await peer.send(http2Preface + http2Settings);
    await clock.advance(3_600_000);
    assert.equal(peer.state(), "open");
  });

  test("a client that is refused and does not close has half a second to read why", async () => {
    const { clock, connect } = await start();
    const peer = connect();
    await peer.send("nonsense\r\n\r\n");
    assert.match(peer.received(), /^HTTP\/1\.1 400 /);
    assert.equal(peer.state(), "ended");
    await clock.advance(499);
    assert.equal(peer.state(), "ended");
    await clock.advance(1);
    assert.equal(peer.state(), "destroyed");
  });
});

describe("many connections", () => {
  test("ten thousand that wait cost one timer, and leave none", async () => {
    const { clock, connect, server } = await start();
    const peers = Array.from({ length: 10_000 }, () => connect());
    assert.equal(clock.pendingTimers(), 1);
    await server.close();
    assert.ok(peers.every((peer) => peer.state() === "destroyed"));
    assert.equal(clock.pendingTimers(), 0);
  });

  test("a shutdown ends the idle at once and answers the rest", async () => {
    const { clock, connect, server } = await start();
    const idle = connect();
    const kept = connect();
    await kept.send(whole);
    const within = connect();
    await within.send(whole.slice(0, 5));
    let over = false;
    void server.shutdown().then(() => {
      over = true;
    });
    await clock.advance(0);
    assert.notEqual(idle.state(), "open");
    assert.notEqual(kept.state(), "open");
    assert.equal(within.state(), "open");
    await within.send(whole.slice(5));
    assert.match(within.received(), /fine$/);
    assert.equal(over, false);
    await clock.advance(500);
    assert.equal(over, true);
    assert.equal(clock.pendingTimers(), 0);
  });
});
