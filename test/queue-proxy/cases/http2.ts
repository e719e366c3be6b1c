import assert from "node:assert/strict";
import http2Module, { type ClientHttp2Session, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import type { Scene, Suite } from "../case.ts";
import { frame, frames, getHeaders, preface, settings } from "../http2-wire.ts";
import { get } from "../wire.ts";

interface Violation {
  readonly name: string;
  readonly sent: string;
  /** The connection ends with GOAWAY and this code, or the stream with RST_STREAM. */
  readonly goaway?: readonly number[];
  readonly reset?: readonly number[];
  readonly differs?: string;
}

const violations: readonly Violation[] = [
  { name: "a first frame that is not SETTINGS", sent: preface + frame(6, 0, 0, "12345678"), goaway: [1] },
  { name: "DATA on stream 0", sent: preface + settings + frame(0, 0, 0, "x"), goaway: [1] },
  { name: "HEADERS on stream 0", sent: preface + settings + frame(1, 5, 0, getHeaders), goaway: [1] },
  { name: "DATA on an idle stream", sent: preface + settings + frame(0, 0, 1, "x"), goaway: [1] },
  { name: "an even stream number", sent: preface + settings + frame(1, 5, 2, getHeaders), goaway: [1] },
  { name: "SETTINGS on a stream", sent: preface + settings + frame(4, 0, 1), goaway: [1] },
  { name: "SETTINGS of a broken length", sent: preface + settings + frame(4, 0, 0, "12345"), goaway: [6] },
  { name: "a SETTINGS ack with a payload", sent: preface + settings + frame(4, 1, 0, "123456"), goaway: [6] },
  { name: "ENABLE_PUSH of 2", sent: preface + settings + frame(4, 0, 0, "\x00\x02\x00\x00\x00\x02"), goaway: [1] },
  {
    name: "a window of more than 2^31",
    sent: preface + settings + frame(4, 0, 0, "\x00\x04\xff\xff\xff\xff"),
    goaway: [3],
  },
  {
    name: "a frame size below 2^14",
    sent: preface + settings + frame(4, 0, 0, "\x00\x05\x00\x00\x00\x01"),
    goaway: [1],
  },
  { name: "PING of a broken length", sent: preface + settings + frame(6, 0, 0, "123"), goaway: [6] },
  { name: "PING on a stream", sent: preface + settings + frame(6, 0, 1, "12345678"), goaway: [1] },
  { name: "PUSH_PROMISE", sent: preface + settings + frame(5, 4, 1, "\x00\x00\x00\x02"), goaway: [1] },
  { name: "RST_STREAM on an idle stream", sent: preface + settings + frame(3, 0, 1, "\x00\x00\x00\x08"), goaway: [1] },
  { name: "WINDOW_UPDATE of zero", sent: preface + settings + frame(8, 0, 0, "\x00\x00\x00\x00"), goaway: [1] },
  {
    name: "WINDOW_UPDATE on an idle stream",
    sent: preface + settings + frame(8, 0, 1, "\x00\x00\x00\x01"),
    goaway: [1],
  },
  { name: "a window that overflows", sent: preface + settings + frame(8, 0, 0, "\x7f\xff\xff\xff"), goaway: [3] },
  { name: "CONTINUATION without HEADERS", sent: preface + settings + frame(9, 4, 1, getHeaders), goaway: [1] },
  {
    name: "another frame within a header block",
    sent: preface + settings + frame(1, 1, 1, getHeaders) + frame(6, 0, 0, "12345678"),
    goaway: [1],
  },
  {
    name: "CONTINUATION of another stream",
    sent: preface + settings + frame(1, 1, 1, getHeaders) + frame(9, 4, 3, ""),
    goaway: [1],
  },
  {
    name: "padding longer than the frame",
    sent: preface + settings + frame(1, 13, 1, `\xff${getHeaders}`),
    goaway: [1],
    differs: "Go ends only the stream; RFC 9113 6.2 asks for the connection",
  },
  {
    name: "a header block that cannot be decoded",
    sent: preface + settings + frame(1, 5, 1, "\xff\xff\xff\xff\xff\xff\xff"),
    goaway: [9],
  },
  { name: "an index outside the tables", sent: preface + settings + frame(1, 5, 1, "\xfe"), goaway: [9] },
  {
    name: "HEADERS on a closed stream number",
    sent: preface + settings + frame(1, 5, 3, getHeaders) + frame(1, 5, 1, getHeaders),
    goaway: [1, 5],
  },
  {
    name: "a frame larger than announced",
    sent: `${preface + settings}\xff\xff\xff\x01\x05\x00\x00\x00\x01`,
    goaway: [6],
  },
  { name: "a request without :path", sent: preface + settings + frame(1, 5, 1, "\x82\x86"), reset: [1] },
  { name: "a request without :method", sent: preface + settings + frame(1, 5, 1, "\x86\x84"), reset: [1] },
  { name: "two :path", sent: preface + settings + frame(1, 5, 1, "\x82\x86\x84\x84"), reset: [1] },
  {
    name: "an unknown pseudo-header",
    sent: preface + settings + frame(1, 5, 1, `${getHeaders}\x00\x02:x\x01y`),
    reset: [1],
  },
  { name: ":status in a request", sent: preface + settings + frame(1, 5, 1, `${getHeaders}\x88`), reset: [1] },
  {
    name: "a pseudo-header after a header",
    sent: preface + settings + frame(1, 5, 1, "\x82\x86\x00\x01x\x01y\x84"),
    reset: [1],
  },
  {
    name: "a header name in capitals",
    sent: preface + settings + frame(1, 5, 1, `${getHeaders}\x00\x01X\x01y`),
    reset: [1],
  },
  {
    name: "a connection header",
    sent: preface + settings + frame(1, 5, 1, `${getHeaders}\x00\x0aconnection\x05close`),
    reset: [1],
    differs: "Go answers 400 within the stream; a stream error is what RFC 9113 8.1.1 asks for",
  },
  {
    name: "te other than trailers",
    sent: preface + settings + frame(1, 5, 1, `${getHeaders}\x00\x02te\x04gzip`),
    reset: [1],
    differs: "Go answers 400 within the stream; a stream error is what RFC 9113 8.1.1 asks for",
  },
  {
    name: "line feeds in a header value",
    sent: preface + settings + frame(1, 5, 1, `${getHeaders}\x00\x01x\x06a\r\nb:c`),
    reset: [1],
  },
  {
    name: "CONNECT",
    sent: preface + settings + frame(1, 5, 1, "\x02\x07CONNECT\x86\x84\x41\x01a"),
    reset: [1],
  },
  {
    name: "less data than content-length says",
    sent:
      preface +
      settings +
      frame(1, 4, 1, "\x83\x86\x84\x41\x01a\x0f\x0d\x011").replace("\x011", "\x015") +
      frame(0, 1, 1, "abc"),
    reset: [1],
    differs: "Go leaves it to the container to notice",
  },
  {
    name: "more data than content-length says",
    sent: preface + settings + frame(1, 4, 1, "\x83\x86\x84\x41\x01a\x0f\x0d\x012") + frame(0, 1, 1, "abc"),
    reset: [1],
  },
  {
    name: "a stream that depends on itself",
    sent: preface + settings + frame(1, 37, 1, `\x00\x00\x00\x01\x10${getHeaders}`),
    goaway: [1],
    reset: [1],
  },
];

async function withHttp2Container(scene: Scene, run: (client: ClientHttp2Session) => Promise<void>): Promise<void> {
  const client = http2Module.connect(`http://127.0.0.1:${scene.subject.ports.main}`);
  client.on("error", () => {});
  try {
    await run(client);
  } finally {
    client.destroy();
  }
}

interface Answer {
  readonly headers: IncomingHttpHeaders & { ":status"?: number | undefined };
  readonly trailers: IncomingHttpHeaders | undefined;
  readonly body: string;
}

function request(client: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = client.request(headers, { endStream: body === undefined });
    let answered: Answer["headers"] = {};
    let trailers: IncomingHttpHeaders | undefined;
    let text = "";
    stream.setEncoding("latin1");
    stream.on("response", (found) => {
      answered = found;
    });
    stream.on("trailers", (found) => {
      trailers = found;
    });
    stream.on("data", (piece: string) => {
      text += piece;
    });
    stream.on("error", reject);
    stream.on("end", () => resolve({ headers: answered, trailers, body: text }));
    if (body !== undefined) stream.end(body);
  });
}

/** HTTP/2 with prior knowledge and by upgrade. What needs a container that speaks HTTP/2 is in http2-container.test.ts. */
export const http2: Suite = {
  name: "http2",
  environment: {},
  cases: [
    ...violations.map(({ name, sent, goaway, reset, differs }) => ({
      name: `${name} is an error${goaway && reset ? "" : goaway ? " of the connection" : " of the stream"}`,
      ...(differs !== undefined && { differs }),
      async run({ connect }: Scene) {
        const client = connect();
        client.send(sent);
        await client.wait(() => {
          const found = frames(client.received).find(({ type, payload }) => {
            if (type === 7 && goaway) return goaway.includes(payload.charCodeAt(7));
            return type === 3 && reset?.includes(payload.charCodeAt(3));
          });
          return found;
        });
      },
    })),
    {
      name: "PING is answered with the same bytes",
      async run({ connect }) {
        const client = connect();
        client.send(preface + settings + frame(6, 0, 0, "12345678"));
        await client.wait(() =>
          frames(client.received).find((f) => f.type === 6 && f.flags === 1 && f.payload === "12345678"),
        );
      },
    },
    {
      name: "unknown frames are ignored",
      async run({ connect }) {
        const client = connect();
        client.send(preface + settings + frame(0x42, 0, 0, "x") + frame(6, 0, 0, "12345678"));
        await client.wait(() => frames(client.received).find((f) => f.type === 6 && f.flags === 1));
      },
    },
    {
      name: "a probe over HTTP/2 is answered",
      async run(scene) {
        await withHttp2Container(scene, async (client) => {
          const answer = await request(client, {
            ":path": "/",
            "user-agent": "kube-probe/1",
            "k-network-probe": "queue",
          });
          assert.equal(answer.headers[":status"], 200);
          assert.equal(answer.body, "queue");
        });
      },
    },
    {
      name: "a flood of resets ends the connection",
      unsteady: "Go bounds the handlers that wait, so it depends on how fast they start",
      async run({ connect }) {
        const client = connect();
        client.send(preface + settings);
        let flood = "";
        for (let stream = 1; stream < 24_000; stream += 2) {
          flood += frame(1, 5, stream, getHeaders) + frame(3, 0, stream, "\x00\x00\x00\x08");
        }
        client.send(flood);
        await client.wait(() => frames(client.received).find((f) => f.type === 7 && f.payload.charCodeAt(7) === 11));
      },
    },
    {
      name: "a flood of empty CONTINUATION frames ends the connection",
      async run({ connect }) {
        const client = connect();
        client.send(preface + settings + frame(1, 1, 1, getHeaders) + frame(9, 0, 1, "").repeat(2000));
        await client.wait(() => frames(client.received).find((f) => f.type === 7));
      },
      differs: "Go goes on reading; its own limit is on bytes",
    },
    {
      name: "Upgrade: h2c is answered over HTTP/2, and the container asked over HTTP/1.1",
      differs: "upstream passes the upgrade on to the container as well",
      async run({ backend, connect }) {
        const client = connect();
        client.send(
          get("/up", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
        );
        const switched = await client.message();
        assert.match(switched.startLine, / 101 /);
        assert.equal(switched.headers["upgrade"], "h2c");
        client.send(preface + settings);
        await client.wait(() =>
          frames(client.received).find((f) => f.type === 0 && f.stream === 1 && f.payload === "ok"),
        );
        // Earlier cases may have left HTTP/2 prefaces here, which this container takes for requests.
        const seen = backend.requests.find(({ startLine }) => startLine === "GET /up HTTP/1.1");
        assert.ok(seen);
        assert.equal(seen.headers["upgrade"], undefined);
        assert.equal(seen.headers["http2-settings"], undefined);
      },
    },
  ],
};
