import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fakeClock } from "../testing/fake-clock.ts";
import { HeaderList, headerName } from "./codec/headers.ts";
import {
  data,
  ended,
  endHeaders,
  frame,
  framesIn,
  headers,
  initialWindow,
  reset,
  settings,
  widened,
} from "./http2-world.ts";
import type { BodyLength, Handler, Responder } from "./message.ts";
import { serve } from "./server.ts";
import type { ConnectionEvents, Network } from "./transport.ts";

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const authority = "\x41\x01a";
const get = `\x82\x84\x86${authority}`;
const post = `\x83\x84\x86${authority}`;
const head = `\x02\x04HEAD\x84\x86${authority}`;

/** A server that leaves its answers to the test, and a client of it that has sent its preface and SETTINGS. */
async function served() {
  const clock = fakeClock();
  const responders: Responder[] = [];
  const seen: string[] = [];
  const handler: Handler = (_request, responder) => {
    responders.push(responder);
    return {
      body: (chunk) => seen.push(`body ${Buffer.from(chunk).toString("latin1")}`),
      end: () => seen.push("end"),
      writable: () => seen.push("writable"),
      aborted: () => seen.push("aborted"),
    };
  };
  let events: ConnectionEvents | undefined;
  let text = "";
  const network: Network = {
    async listen(_options, accept) {
      events = accept({
        remoteAddress: "10.0.0.1:1",
        secure: false,
        write(chunk) {
          text += Buffer.from(chunk).toString("latin1");
          return true;
        },
        writeCopy(buffer, length) {
          text += Buffer.from(buffer).toString("latin1", 0, length);
          return true;
        },
        end: (sent) => sent(),
        destroy() {},
        pause() {},
        resume() {},
      });
      return { port: 1, close: async () => {}, setKeyPair: () => {} };
    },
    connect: () => () => {},
  };
  await serve(network, clock, { address: "", port: 0, handler });
  const send = async (frames: string) => {
    events!.data(Buffer.from(frames, "latin1"));
    await clock.advance(0);
  };
  await send(preface + settings());
  const sent = async () => {
    await clock.advance(0);
    return framesIn(text);
  };
  return { send, sent, seen, responder: (index = 0) => responders[index]! };
}

const answer = (responder: Responder, status: number, bodyLength: BodyLength, body = "", trailers?: HeaderList) => {
  responder.head({ status, headers: new HeaderList(), bodyLength });
  if (body !== "") responder.body(Buffer.from(body));
  responder.end(trailers);
};
const oneTrailer = new HeaderList();
oneTrailer.add(headerName("x")!, "y");

describe("an answer over HTTP/2", () => {
  const whole = endHeaders | ended;
  const rows: [name: string, request: string, give: (responder: Responder) => void, sent: string[]][] = [
    [
      "with a body",
      headers(get, whole),
      (responder) => answer(responder, 200, 5, "hello"),
      ["HEADERS 1: 200, length 5", "DATA 1 of 5", "DATA 1 of 0, ended"],
    ],
    [
      "with trailers",
      headers(get, whole),
      (responder) => answer(responder, 200, "unknown", "hi", oneTrailer),
      ["HEADERS 1: 200", "DATA 1 of 2", "HEADERS 1, ended"],
    ],
    [
      "without a body",
      headers(get, whole),
      (responder) => answer(responder, 200, 0),
      ["HEADERS 1: 200, length 0, ended"],
    ],
    ["of 204", headers(get, whole), (responder) => answer(responder, 204, "unknown"), ["HEADERS 1: 204, ended"]],
    ["of 304", headers(get, whole), (responder) => answer(responder, 304, 5), ["HEADERS 1: 304, ended"]],
    [
      "to HEAD, whose body is not sent",
      headers(head, whole),
      (responder) => answer(responder, 200, 5, "hello"),
      ["HEADERS 1: 200, length 5, ended"],
    ],
    [
      "to HEAD, of whose body nobody says that it is empty",
      headers(head, whole),
      (responder) => answer(responder, 200, 0),
      ["HEADERS 1: 200, ended"],
    ],
    [
      "after early hints",
      headers(get, whole),
      (responder) => {
        responder.informational(103, new HeaderList());
        answer(responder, 200, 0);
      },
      ["HEADERS 1: 103", "HEADERS 1: 200, length 0, ended"],
    ],
    [
      "that is cut off",
      headers(get, whole),
      (responder) => {
        responder.head({ status: 200, headers: new HeaderList(), bodyLength: "unknown" });
        responder.abort();
        responder.body(Buffer.from("late"));
        responder.end();
      },
      ["HEADERS 1: 200", "RST_STREAM 1 code 2"],
    ],
    [
      "that comes before the request's end, of which the rest is not wanted",
      headers(post),
      (responder) => answer(responder, 200, 2, "hi"),
      ["HEADERS 1: 200, length 2", "DATA 1 of 2", "DATA 1 of 0, ended", "RST_STREAM 1 code 0"],
    ],
    [
      "without a body that comes before the request's end",
      headers(post),
      (responder) => answer(responder, 204, 0),
      ["HEADERS 1: 204, ended", "RST_STREAM 1 code 0"],
    ],
  ];
  for (const [name, request, give, sent] of rows) {
    test(name, async () => {
      const server = await served();
      await server.send(request);
      give(server.responder());
      assert.deepEqual(await server.sent(), sent);
    });
  }

  test("that waits for the client's window is not cut off, though the request goes on", async () => {
    const server = await served();
    await server.send(initialWindow(3) + headers(post));
    answer(server.responder(), 200, 5, "hello");
    assert.deepEqual(await server.sent(), ["HEADERS 1: 200, length 5", "DATA 1 of 3"]);
    await server.send(data("more") + widened(10, 1));
    assert.deepEqual((await server.sent()).slice(2), ["DATA 1 of 2, ended"]);
    assert.deepEqual(server.seen, ["body more", "writable"]);
    await server.send(data("", ended));
    assert.deepEqual(server.seen.at(-1), "end");
  });

  test("to a client that has left is not sent", async () => {
    const server = await served();
    await server.send(headers(get, whole) + reset(8));
    answer(server.responder(), 200, 2, "hi");
    server.responder().informational(103, new HeaderList());
    assert.deepEqual(await server.sent(), []);
    assert.deepEqual(server.seen, ["end", "aborted"]);
  });

  test("to a client that breaks the protocol is a reason, and nothing follows", async () => {
    const server = await served();
    await server.send(data("x", 0, 0));
    assert.deepEqual(await server.sent(), ["GOAWAY code 1"]);
  });

  for (const [name, status, bodyLength] of [
    ["with a body", 200, "unknown"],
    ["without a body", 204, 0],
  ] as const) {
    test(`${name}: one connection carries any number of them`, async () => {
      const server = await served();
      for (let count = 0; count < 300; count++) {
        await server.send(headers(get, whole, 2 * count + 1));
        answer(server.responder(count), status, bodyLength);
      }
      const frames = await server.sent();
      assert.equal(frames.filter((frame) => frame.startsWith("RST_STREAM")).length, 0);
      assert.equal(frames.filter((frame) => frame.endsWith("ended")).length, 300);
    });
  }

  test("to a client that says with each request what it prefers is sent, however many there are", async () => {
    const server = await served();
    for (let count = 0; count < 1500; count++) {
      const stream = 2 * count + 1;
      await server.send(frame(2, 0, stream, "\0\0\0\0\x10") + headers(get, whole, stream));
      answer(server.responder(count), 204, 0);
    }
    const frames = await server.sent();
    assert.equal(frames.length, 1500);
    assert.ok(frames.every((one) => one.endsWith(": 204, ended")));
  });

  test("when there are too many requests at once, one more is refused, and none once one is answered", async () => {
    const server = await served();
    for (let count = 0; count <= 250; count++) await server.send(headers(get, whole, 2 * count + 1));
    assert.deepEqual(await server.sent(), ["RST_STREAM 501 code 7"]);
    answer(server.responder(), 204, 0);
    await server.send(headers(get, whole, 503));
    answer(server.responder(250), 204, 0);
    assert.deepEqual((await server.sent()).slice(1), ["HEADERS 1: 204, ended", "HEADERS 503: 204, ended"]);
  });
});
