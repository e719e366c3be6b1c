import assert from "node:assert/strict";
import http2, { type ClientHttp2Session, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { inProcess, type Subject } from "./subject.ts";

interface Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  trailers: IncomingHttpHeaders | undefined;
  early: IncomingHttpHeaders[];
  body: Buffer;
  resetCode: number;
}

/** A gRPC message in its frame. */
function grpcFrame(text: string): Buffer {
  const frame = Buffer.alloc(5 + text.length);
  frame.writeUInt32BE(text.length, 1);
  frame.write(text, 5);
  return frame;
}

const sockets = new Set<Socket>();

/** What the container does, by path. */
const container: Readonly<Record<string, (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void>> = {
  "/plain": (stream) => {
    stream.respond({ ":status": 200, "content-length": 5 });
    stream.end("hello");
  },
  "/headers": (stream, headers) => {
    stream.respond({ ":status": 200 });
    stream.end(JSON.stringify(headers));
  },
  "/echo": (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "grpc-message": "fine" }));
    stream.pipe(stream);
  },
  "/trailers-only": (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "5" }, { endStream: true });
  },
  "/early": (stream) => {
    stream.additionalHeaders({ ":status": 103, link: "</a>" });
    stream.respond({ ":status": 404 }, { endStream: true });
  },
  "/reset": (stream) => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR),
  "/dies": (stream) => {
    stream.respond({ ":status": 200 });
    stream.write("part", () => {
      for (const socket of sockets) socket.destroy();
    });
  },
  "/big": (stream) => {
    stream.respond({ ":status": 200 });
    stream.end(Buffer.alloc(3_000_000, "b"));
  },
  "/no-body": (stream) => stream.respond({ ":status": 204 }, { endStream: true }),
  "/server-stream": (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    for (const text of ["one", "two", "three"]) stream.write(grpcFrame(text));
    stream.end();
  },
  "/request-trailers": (stream) => {
    stream.on("trailers", (trailers: IncomingHttpHeaders) => {
      stream.respond({ ":status": 200 });
      stream.end(String(trailers["x-t"]));
    });
    stream.resume();
  },
};

describe("queue-proxy and a container that speaks HTTP/2", () => {
  const server = http2.createServer({ settings: { maxConcurrentStreams: 20 } });
  let subject: Subject;
  let client: ClientHttp2Session;

  before(async () => {
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    server.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      container[headers[":path"] ?? ""]?.(stream, headers);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    subject = await inProcess()({ CONTAINER_CONCURRENCY: "100" }, (server.address() as AddressInfo).port);
    client = http2.connect(`http://127.0.0.1:${subject.ports.main}`);
    client.on("error", () => {});
  });
  after(async () => {
    client.destroy();
    await subject.stop();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  const ask = (path: string, body?: Buffer | string, headers: Record<string, string> = {}, trailers?: object) =>
    new Promise<Answer>((resolve) => {
      const method = body === undefined ? "GET" : "POST";
      const options = { endStream: body === undefined, waitForTrailers: trailers !== undefined };
      const stream = client.request({ ":method": method, ":path": path, ...headers }, options);
      const pieces: Buffer[] = [];
      const answer: Answer = {
        status: undefined,
        headers: {},
        trailers: undefined,
        early: [],
        body: Buffer.alloc(0),
        resetCode: 0,
      };
      stream.on("headers", (found) => answer.early.push(found));
      stream.on("response", (found) => {
        answer.status = found[":status"];
        answer.headers = found;
      });
      stream.on("trailers", (found) => {
        answer.trailers = found;
      });
      stream.on("data", (piece: Buffer) => pieces.push(piece));
      stream.on("wantTrailers", () => stream.sendTrailers({ ...trailers }));
      stream.on("error", () => {});
      stream.on("close", () => resolve({ ...answer, body: Buffer.concat(pieces), resetCode: stream.rstCode }));
      if (body !== undefined) stream.end(body);
    });

  test("a plain request is answered over HTTP/2, with its length", async () => {
    const answer = await ask("/plain");
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-length"], "5");
    assert.equal(String(answer.body), "hello");
    assert.ok(answer.headers["date"]);
  });

  test("headers follow the same rules as in HTTP/1", async () => {
    const sent = {
      "x-forwarded-for": "1.2.3.4",
      "knative-serving-revision": "r",
      "k-original-host": "real.example",
      te: "trailers",
      "x-custom": "1",
    };
    const seen = JSON.parse(String((await ask("/headers", undefined, sent)).body)) as Record<string, string>;
    assert.equal(seen["x-forwarded-for"], "1.2.3.4, 127.0.0.1");
    assert.equal(seen["forwarded"], "for=1.2.3.4");
    assert.equal(seen["knative-serving-revision"], undefined);
    assert.equal(seen[":authority"], "real.example");
    assert.equal(seen["te"], "trailers");
    assert.equal(seen["x-custom"], "1");
  });

  test("gRPC: one message each way, with trailers", async () => {
    const answer = await ask("/echo", grpcFrame("ping"), { "content-type": "application/grpc", te: "trailers" });
    assert.deepEqual(answer.body, grpcFrame("ping"));
    assert.equal(answer.trailers?.["grpc-status"], "0");
    assert.equal(answer.trailers?.["grpc-message"], "fine");
  });

  test("gRPC: an answer of trailers alone", async () => {
    const answer = await ask("/trailers-only", grpcFrame("x"), { "content-type": "application/grpc" });
    assert.equal(answer.headers["grpc-status"], "5");
    assert.equal(answer.body.length, 0);
  });

  test("gRPC: a stream of answers", async () => {
    const answer = await ask("/server-stream", grpcFrame("x"));
    assert.deepEqual(answer.body, Buffer.concat(["one", "two", "three"].map(grpcFrame)));
    assert.equal(answer.trailers?.["grpc-status"], "0");
  });

  test("gRPC: both sides stream, each message answered before the next is sent", async () => {
    const stream = client.request({ ":method": "POST", ":path": "/echo", "content-type": "application/grpc" });
    for (const text of ["a", "b", "c"]) {
      stream.write(grpcFrame(text));
      const [piece] = await new Promise<Buffer[]>((resolve) => stream.once("data", (data: Buffer) => resolve([data])));
      assert.deepEqual(piece, grpcFrame(text));
    }
    const trailers = new Promise<IncomingHttpHeaders>((resolve) => stream.once("trailers", resolve));
    stream.end();
    stream.resume();
    assert.equal((await trailers)["grpc-status"], "0");
  });

  test("request trailers are passed on", async () => {
    assert.equal(String((await ask("/request-trailers", "x", {}, { "x-t": "v" })).body), "v");
  });

  test("103 is passed on before the final answer", async () => {
    const answer = await ask("/early");
    assert.equal(answer.early[0]?.["link"], "</a>");
    assert.equal(answer.status, 404);
  });

  test("204 has no body", async () => {
    const answer = await ask("/no-body");
    assert.equal(answer.status, 204);
    assert.equal(answer.headers["content-length"], undefined);
  });

  test("a container that resets before it answers is answered for: 502", async () => {
    assert.equal((await ask("/reset")).status, 502);
  });

  test("a container that dies within its answer resets the client's stream", async () => {
    const answer = await ask("/dies");
    assert.equal(answer.status, 200);
    assert.equal(answer.resetCode, http2.constants.NGHTTP2_INTERNAL_ERROR);
  });

  test("three megabytes come down and go up unchanged", async () => {
    assert.equal((await ask("/big")).body.length, 3_000_000);
    const body = Buffer.alloc(3_000_000, "0123456789");
    assert.ok((await ask("/echo", body)).body.equals(body));
  });

  test("more streams at once than one connection to the container may carry", async () => {
    const answers = await Promise.all(Array.from({ length: 80 }, () => ask("/plain")));
    assert.ok(answers.every((answer) => String(answer.body) === "hello"));
  });

  test("a client that resets a stream resets it towards the container", async () => {
    const closed = new Promise<number>((resolve) => {
      server.once("stream", (stream) => stream.on("close", () => resolve(stream.rstCode)));
    });
    const stream = client.request({ ":method": "POST", ":path": "/hang" });
    stream.on("error", () => {});
    stream.write("x");
    await new Promise((resolve) => server.once("stream", resolve));
    stream.close(http2.constants.NGHTTP2_CANCEL);
    assert.equal(await closed, http2.constants.NGHTTP2_CANCEL);
  });
});
