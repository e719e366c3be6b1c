import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fakeClock } from "../testing/fake-clock.ts";
import type { Carrier } from "./backend.ts";
import { HeaderList, headerName } from "./codec/headers.ts";
import { createHttp2Backend } from "./http2-client.ts";
import {
  data,
  ended,
  endHeaders,
  field,
  four,
  frame,
  framesIn,
  goaway,
  headers,
  initialWindow,
  reset,
  settings,
  widened,
  widenedIn,
} from "./http2-world.ts";
import type { BodyLength, OutgoingRequest } from "./message.ts";
import type { ConnectionEvents, Network } from "./transport.ts";

const ok = "\x88";
const notModified = "\x8b";
const early = "\x08\x03103";

/** One connection, as the container sees it. */
interface Dialed {
  accept(): void;
  refuse(): void;
  send(frames: string): Promise<void>;
  end(): Promise<void>;
  /** Whether the socket takes bytes. */
  setTaking(taking: boolean): void;
  drain(): Promise<void>;
  /** Frames but for the preface and SETTINGS, as "type/flags/stream" and how long or with which code. */
  readonly received: () => string[];
  readonly isOpen: () => boolean;
  /** By how much a window was widened. */
  readonly widened: (stream: number) => number;
}

interface Asked {
  readonly seen: string[];
  readonly request: () => OutgoingRequest;
  readonly giveUp: () => void;
}

/** A backend whose network is the test's. `accepts`: connections are there as soon as they are asked for. */
function opened({ accepts = false } = {}) {
  const clock = fakeClock();
  const dials: Dialed[] = [];
  const network: Network = {
    listen: () => Promise.reject(new Error("not asked for")),
    connect(_options, connected, failed) {
      const dialed = makeDialed(clock, connected, failed);
      dials.push(dialed);
      if (accepts) dialed.accept();
      return () => {};
    },
  };
  const backend = createHttp2Backend(network, clock, { host: "127.0.0.1", port: 1 });
  const ask = (method = "GET", bodyLength: BodyLength = 0): Asked => {
    const seen: string[] = [];
    let request: OutgoingRequest | undefined;
    const connected = (carrier: Carrier) => {
      const head = { method, target: "/", host: "a", headers: new HeaderList(), bodyLength, upgrade: undefined };
      request = carrier.send(head, {
        informational: (status) => seen.push(String(status)),
        head: (answer) => seen.push(`${answer.status}, length ${answer.bodyLength}`),
        body: (chunk) => seen.push(`body ${Buffer.from(chunk).toString("latin1")}`),
        end: (trailers) => seen.push(`end${trailers?.first ? ` with ${trailers.first.name.lower}` : ""}`),
        switched: () => seen.push("switched"),
        writable: () => seen.push("writable"),
        failed: (error, replayable) => seen.push(`${error.message}${replayable ? ", may be sent again" : ""}`),
      });
    };
    const giveUp = backend.acquire({ connected, unreachable: () => seen.push("unreachable") }, false);
    return { seen, request: () => request!, giveUp };
  };
  return { clock, backend, dials, ask };
}

function makeDialed(
  clock: ReturnType<typeof fakeClock>,
  connected: Parameters<Network["connect"]>[1],
  failed: (error: Error) => void,
): Dialed {
  let text = "";
  let taking = true;
  let state = "open";
  let events: ConnectionEvents | undefined;
  const write = (bytes: Uint8Array, length: number) => {
    text += Buffer.from(bytes).toString("latin1", 0, length);
    return taking;
  };
  const destroy = () => {
    state = "destroyed";
  };
  return {
    accept() {
      events = connected({
        remoteAddress: "127.0.0.1:1",
        secure: false,
        write: (chunk) => write(chunk, chunk.length),
        writeCopy: write,
        end: destroy,
        destroy,
        pause() {},
        resume() {},
      });
    },
    refuse: () => failed(new Error("connect ECONNREFUSED")),
    async send(frames) {
      events!.data(Buffer.from(frames, "latin1"));
      await clock.advance(0);
    },
    async end() {
      events!.end();
      await clock.advance(0);
    },
    setTaking(takes) {
      taking = takes;
    },
    async drain() {
      taking = true;
      events!.drain();
      await clock.advance(0);
    },
    received: () => framesIn(text),
    isOpen: () => state === "open",
    widened: (stream) => widenedIn(text, stream),
  };
}

const peerReset = (name: string) => `stream error: stream ID 1; ${name}; received from peer`;
const malformed = peerReset("PROTOCOL_ERROR");

describe("what a container answers over HTTP/2", () => {
  const rows: [name: string, method: string, answer: string, seen: string[], sent: string[]][] = [
    ["an answer without a body", "GET", headers(ok, endHeaders | ended), ["200, length 0", "end"], []],
    [
      "body and trailers",
      "GET",
      headers(ok) + data("hi") + headers(field("x", "y"), endHeaders | ended),
      ["200, length unknown", "body hi", "end with x"],
      [],
    ],
    ["early hints", "GET", headers(early) + headers(ok, endHeaders | ended), ["103", "200, length 0", "end"], []],
    [
      "a length that is kept",
      "GET",
      headers(ok + field("content-length", "2")) + data("hi", ended),
      ["200, length 2", "body hi", "end"],
      [],
    ],
    [
      "a length that is not kept",
      "GET",
      headers(ok + field("content-length", "3")) + data("hi", ended),
      ["200, length 3", "body hi", malformed],
      ["RST_STREAM 1 code 1"],
    ],
    [
      "more than the length",
      "GET",
      headers(ok + field("content-length", "1")) + data("hi", ended),
      ["200, length 1", malformed],
      ["RST_STREAM 1 code 1"],
    ],
    [
      "a length of which HEAD shows nothing",
      "HEAD",
      headers(ok + field("content-length", "3"), endHeaders | ended),
      ["200, length 3", "end"],
      [],
    ],
    ["no length for HEAD", "HEAD", headers(ok, endHeaders | ended), ["200, length unknown", "end"], []],
    [
      "a length of which 304 shows nothing",
      "GET",
      headers(notModified + field("content-length", "3"), endHeaders | ended),
      ["304, length 3", "end"],
      [],
    ],
    ["no length for 304", "GET", headers(notModified, endHeaders | ended), ["304, length 0", "end"], []],
    [
      "trailers that do not end the stream",
      "GET",
      headers(ok) + headers(field("x", "y")),
      ["200, length unknown", malformed],
      ["RST_STREAM 1 code 1"],
    ],
    [
      "trailers with a status",
      "GET",
      headers(ok) + headers(ok, endHeaders | ended),
      ["200, length unknown", malformed],
      ["RST_STREAM 1 code 1"],
    ],
    ["no status", "GET", headers(field("x", "y"), endHeaders | ended), [malformed], ["RST_STREAM 1 code 1"]],
    ["a status of two digits", "GET", headers("\x08\x0220"), [malformed], ["RST_STREAM 1 code 1"]],
    ["two pseudo-headers", "GET", headers(ok + ok), [malformed], ["RST_STREAM 1 code 1"]],
    ["switching protocols", "GET", headers("\x08\x03101"), [malformed], ["RST_STREAM 1 code 1"]],
    [
      "early hints that end the stream",
      "GET",
      headers(early, endHeaders | ended),
      [malformed],
      ["RST_STREAM 1 code 1"],
    ],
    [
      "early hints without end",
      "GET",
      headers(early).repeat(101),
      [...Array<string>(100).fill("103"), malformed],
      ["RST_STREAM 1 code 1"],
    ],
    ["a reset", "GET", reset(2), [peerReset("INTERNAL_ERROR")], []],
    ["a reset of a code that nobody knows", "GET", reset(99), [peerReset("unknown error code 0x63")], []],
    ["a refusal", "GET", reset(7), [`${peerReset("REFUSED_STREAM")}, may be sent again`], []],
    [
      "a refusal that comes too late",
      "GET",
      headers(ok) + reset(7),
      ["200, length unknown", peerReset("REFUSED_STREAM")],
      [],
    ],
    [
      "a window that overflows",
      "GET",
      widened(2 ** 31 - 1, 1),
      [peerReset("FLOW_CONTROL_ERROR")],
      ["RST_STREAM 1 code 3"],
    ],
    ["a window that grows by nothing", "GET", widened(0, 1), [malformed], ["RST_STREAM 1 code 1"]],
  ];
  for (const [name, method, answer, seen, sent] of rows) {
    test(name, async () => {
      const { dials, ask } = opened();
      const asked = ask(method);
      dials[0]!.accept();
      await dials[0]!.send(settings());
      await dials[0]!.send(answer);
      assert.deepEqual(asked.seen, seen);
      assert.deepEqual(dials[0]!.received(), ["HEADERS 1, ended", ...sent]);
    });
  }

  const violations: [name: string, answer: string, seen: string][] = [
    ["a push", frame(5, 4, 1, four(2)), "push is not allowed"],
    ["a stream that nobody opened", headers(ok, endHeaders, 3), "HEADERS on an idle stream"],
    ["a stream of the container's own", headers(ok, endHeaders, 2), "HEADERS on an idle stream"],
    ["a header block that cannot be read", headers("\xbe"), "invalid header index 62"],
  ];
  for (const [name, answer, seen] of violations) {
    test(`${name}, which ends the connection`, async () => {
      const { dials, ask } = opened();
      const asked = ask();
      dials[0]!.accept();
      await dials[0]!.send(settings() + answer);
      assert.deepEqual(asked.seen, [seen]);
      assert.equal(dials[0]!.isOpen(), false);
      ask();
      assert.equal(dials.length, 2);
    });
  }

  test("an end of the connection before that of the answer", async () => {
    const { dials, ask } = opened();
    const asked = ask();
    dials[0]!.accept();
    await dials[0]!.send(settings() + headers(ok));
    await dials[0]!.end();
    assert.deepEqual(asked.seen, ["200, length unknown", "EOF"]);
    assert.equal(dials[0]!.isOpen(), false);
  });

  test("padding counts as read, and so does what nobody wants any more", async () => {
    const { dials, ask } = opened();
    const [padded, unwanted] = [ask(), ask()];
    dials[0]!.accept();
    await dials[0]!.send(settings() + headers(ok) + headers(ok, endHeaders, 3));
    const before = dials[0]!.widened(0);
    unwanted.request().abort();
    const padding = frame(0, 8, 1, `\xff${"x".repeat(244)}${"\0".repeat(255)}`);
    await dials[0]!.send((padding.repeat(35) + data("y".repeat(16_000), 0, 3)).repeat(60));
    assert.ok(dials[0]!.widened(0) - before > 35 * 60 * 500 + 60 * 16_000 - 262_144);
    assert.ok(dials[0]!.widened(1) > 35 * 60 * 500 - 65_536 - 7);
    assert.equal(padded.seen.length, 2101);
  });

  test("what still comes for a request that was given up is not looked at", async () => {
    const { dials, ask } = opened();
    const [first, second] = [ask(), ask()];
    dials[0]!.accept();
    await dials[0]!.send(settings());
    first.request().abort();
    await dials[0]!.send(headers(ok) + data("late") + headers(ok, endHeaders | ended, 3));
    assert.deepEqual(first.seen, []);
    assert.deepEqual(second.seen, ["200, length 0", "end"]);
    assert.deepEqual(dials[0]!.received(), ["HEADERS 1, ended", "HEADERS 3, ended", "RST_STREAM 1 code 8"]);
  });
});

describe("connections to a container over HTTP/2", () => {
  const answered = (stream: number) => headers(ok, endHeaders | ended, stream);

  test("one carries many requests", async () => {
    const { clock, dials, ask } = opened({ accepts: true });
    for (let count = 0; count < 3; count++) ask();
    await clock.advance(0);
    assert.equal(dials.length, 1);
    assert.deepEqual(dials[0]!.received(), ["HEADERS 1, ended", "HEADERS 3, ended", "HEADERS 5, ended"]);
  });

  test("there are as many as are needed", async () => {
    const { clock, dials, ask } = opened();
    const asked = Array.from({ length: 250 }, () => ask());
    for (let count = 0; count < 3; count++) dials[count]!.accept();
    await clock.advance(0);
    assert.deepEqual(
      dials.map(({ received }) => received().length),
      [100, 100, 50],
    );
    assert.ok(asked.every(({ seen }) => seen.length === 0));
  });

  test("there is another one for what one does not take, and only then", async () => {
    const { clock, dials, ask } = opened({ accepts: true });
    ask();
    await dials[0]!.send(settings(1));
    ask();
    await clock.advance(0);
    assert.equal(dials.length, 2);
    await dials[0]!.send(answered(1));
    ask();
    await clock.advance(0);
    assert.equal(dials.length, 2);
    assert.deepEqual(dials[0]!.received(), ["HEADERS 1, ended", "HEADERS 3, ended"]);
  });

  for (const [name, happens] of [
    ["once an earlier one is answered", answered(1)],
    ["once the container takes more", settings(2)],
  ] as const) {
    test(`a request that waits is sent ${name}`, async () => {
      const { dials, ask } = opened();
      ask();
      dials[0]!.accept();
      await dials[0]!.send(settings(1));
      ask();
      assert.equal(dials.length, 2);
      await dials[0]!.send(happens);
      assert.deepEqual(dials[0]!.received(), ["HEADERS 1, ended", "HEADERS 3, ended"]);
      dials[1]!.accept();
      assert.deepEqual(dials[1]!.received(), []);
    });
  }

  test("one that cannot be made fails those that wait, and the next request tries anew", async () => {
    const { dials, ask } = opened();
    const [first, given] = [ask(), ask()];
    given.giveUp();
    dials[0]!.refuse();
    assert.deepEqual([first.seen, given.seen], [["unreachable"], []]);
    ask();
    assert.equal(dials.length, 2);
  });

  test("one that says goodbye is not used any more, and closed once its last request is answered", async () => {
    const { clock, dials, ask } = opened({ accepts: true });
    const [first, second] = [ask(), ask()];
    await dials[0]!.send(settings() + goaway(1));
    assert.deepEqual(first.seen, []);
    assert.deepEqual(second.seen, ["stream error: stream ID 3; REFUSED_STREAM; received from peer, may be sent again"]);
    ask();
    await clock.advance(0);
    assert.deepEqual(dials[1]!.received(), ["HEADERS 1, ended"]);
    assert.ok(dials[0]!.isOpen());
    await dials[0]!.send(answered(1));
    assert.deepEqual(first.seen, ["200, length 0", "end"]);
    assert.equal(dials[0]!.isOpen(), false);
  });

  test("one that says goodbye while nothing is under way is closed", async () => {
    const { dials, ask } = opened({ accepts: true });
    ask();
    await dials[0]!.send(settings() + answered(1) + goaway(1));
    assert.equal(dials[0]!.isOpen(), false);
    ask();
    assert.equal(dials.length, 2);
  });

  test("when all are closed, what is under way fails", async () => {
    const { backend, dials, ask } = opened({ accepts: true });
    const asked = ask();
    backend.close();
    assert.deepEqual(asked.seen, ["unexpected EOF"]);
    assert.equal(dials[0]!.isOpen(), false);
  });
});

describe("a request's body on its way to a container over HTTP/2", () => {
  /** A request of which all but the body is sent; `bytes` may follow on its stream. */
  const posting = async (bytes: number) => {
    const { clock, dials, ask } = opened({ accepts: true });
    const asked = ask("POST", "unknown");
    const [container] = dials;
    await container!.send(initialWindow(bytes));
    const bodyLeft = () => container!.received().slice(1);
    return { clock, container: container!, request: asked.request(), seen: asked.seen, sent: bodyLeft };
  };

  test("ends with its last bytes", async () => {
    const { clock, request, sent } = await posting(10);
    assert.equal(request.body(Buffer.from("12345")), true);
    assert.equal(request.body(Buffer.alloc(0)), true);
    request.end();
    assert.equal(request.body(Buffer.from("late")), true);
    await clock.advance(0);
    assert.deepEqual(sent(), ["DATA 1 of 5", "DATA 1 of 0, ended"]);
  });

  test("ends with its trailers", async () => {
    const { clock, request, sent } = await posting(10);
    request.body(Buffer.from("12345"));
    const trailers = new HeaderList();
    trailers.add(headerName("x")!, "y");
    request.end(trailers);
    await clock.advance(0);
    assert.deepEqual(sent(), ["DATA 1 of 5", "HEADERS 1, ended"]);
  });

  test("waits for the stream's window, then goes on where it stopped, and its end comes last", async () => {
    const { container, request, seen, sent } = await posting(10);
    assert.equal(request.body(Buffer.from("12345678901234")), false);
    assert.equal(request.body(Buffer.from("56")), false);
    request.end();
    await container.send(widened(1, 1));
    assert.deepEqual(sent(), ["DATA 1 of 10", "DATA 1 of 1"]);
    await container.send(widened(100, 1));
    assert.deepEqual(sent(), ["DATA 1 of 10", "DATA 1 of 1", "DATA 1 of 3", "DATA 1 of 2, ended"]);
    assert.deepEqual(seen, ["writable"]);
  });

  test("waits for the socket", async () => {
    const { clock, container, request, seen, sent } = await posting(1_000_000);
    const bytesSent = () => sent().reduce((sum, line) => sum + Number(/of (\d+)/.exec(line)?.[1]), 0);
    await container.send(widened(1_000_000, 0));
    container.setTaking(false);
    assert.equal(request.body(Buffer.alloc(200_000)), false);
    await clock.advance(0);
    assert.ok(bytesSent() < 200_000);
    assert.deepEqual(seen, []);
    await container.drain();
    assert.equal(bytesSent(), 200_000);
    assert.deepEqual(seen, ["writable"]);
  });

  test("takes turns with others where the connection's window is short", async () => {
    const { clock, dials, ask } = opened({ accepts: true });
    const asked = [ask("POST", "unknown"), ask("POST", "unknown")];
    const [container] = dials;
    await container!.send(initialWindow(1_000_000));
    for (const { request } of asked) request().body(Buffer.alloc(100_000));
    await clock.advance(0);
    const before = container!.received().length;
    for (let count = 0; count < 4; count++) await container!.send(widened(10, 0));
    assert.deepEqual(
      container!.received().slice(before),
      [1, 3, 1, 3].map((stream) => `DATA ${stream} of 10`),
    );
  });

  test("is not sent once the connection is lost", async () => {
    const { clock, container, request, sent } = await posting(10);
    await container.end();
    assert.equal(request.body(Buffer.from("x")), true);
    request.end();
    await clock.advance(0);
    assert.deepEqual(sent(), []);
  });

  test("is cut off while it waits for the connection's window, and nothing follows", async () => {
    const { clock, container, request, sent } = await posting(1_000_000);
    assert.equal(request.body(Buffer.alloc(100_000)), false);
    request.abort();
    await clock.advance(0);
    const before = sent();
    await container.send(widened(100_000, 0));
    assert.deepEqual(sent(), before);
  });

  test("is cut off, and nothing follows", async () => {
    const { clock, container, request, seen, sent } = await posting(10);
    request.body(Buffer.from("12345678901234"));
    request.abort();
    assert.equal(request.body(Buffer.from("x")), true);
    request.end();
    await container.send(widened(100, 1));
    await clock.advance(0);
    assert.deepEqual(sent(), ["DATA 1 of 10", "RST_STREAM 1 code 8"]);
    assert.deepEqual(seen, []);
  });
});
