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

/** HEADERS of `GET /` on a stream below 256; flags: \x01 END_STREAM, \x05 also END_HEADERS. */
function headers(stream: number, flags: "\x01" | "\x05"): string {
  return `\0\0\x06\x01${flags}\0\0\0${String.fromCharCode(stream)}\x82\x84\x86\x41\x01a`;
}

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
        writeCopy(buffer, length) {
          received += Buffer.from(buffer).toString("latin1", 0, length);
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

  const http2Start = http2Preface + http2Settings;
  for (const [name, before, drops] of [
    ["a head", "", [...whole.slice(0, -1)]],
    ["the preface of HTTP/2", "", [...http2Preface.slice(0, -1)]],
    ["the first SETTINGS of HTTP/2", http2Preface, [...http2Settings.slice(0, -1)]],
    ["a frame's head of HTTP/2", http2Start, [...headers(1, "\x05").slice(0, 8)]],
    ["a HEADERS frame of HTTP/2", http2Start, [...headers(1, "\x05").slice(0, -1)]],
    [
      "a header block of HTTP/2 in many frames",
      http2Start,
      [headers(1, "\x01"), ...Array.from({ length: 20 }, () => "\0\0\0\x09\0\0\0\0\x01")],
    ],
  ] as const) {
    test(`${name} that comes drop by drop has a minute in all`, async () => {
      const { clock, connect } = await start();
      const peer = connect();
      if (before !== "") await peer.send(before);
      for (const [at, drop] of drops.entries()) {
        if (at > 0) await clock.advance(2000);
        await peer.send(drop);
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

  test("each header block of HTTP/2 has a minute of its own", async () => {
    const { clock, connect } = await start();
    const peer = connect();
    await peer.send(http2Start + headers(1, "\x05").slice(0, 10));
    for (const stream of [1, 3, 5]) {
      await clock.advance(40_000);
      await peer.send(headers(stream, "\x05").slice(10) + headers(stream + 2, "\x05").slice(0, 10));
      assert.equal(peer.state(), "open");
    }
    await peer.send(headers(7, "\x05").slice(10));
    assert.equal(peer.received().split("fine").length - 1, 4);
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
