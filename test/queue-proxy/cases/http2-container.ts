import assert from "node:assert/strict";
import http2, {
  type ClientHttp2Session,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Group, NamedCase } from "../case.ts";
import type { StartSubject } from "../subject.ts";

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

/** What the container does, by path. */
const container: Readonly<
  Record<string, (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, sockets: ReadonlySet<Socket>) => void>
> = {
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
  "/dies": (stream, _headers, sockets) => {
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

interface Scene {
  readonly server: Http2Server;
  readonly client: ClientHttp2Session;
  ask(
    path: string,
    body?: Buffer | string,
    headers?: Record<string, string>,
    trailers?: OutgoingHttpHeaders,
  ): Promise<Answer>;
}

interface Http2Case extends NamedCase {
  readonly run: (scene: Scene) => Promise<void>;
}

const cases: readonly Http2Case[] = [
  {
    name: "a plain request is answered over HTTP/2, with its length",
    async run({ ask }) {
      const answer = await ask("/plain");
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["content-length"], "5");
      assert.equal(String(answer.body), "hello");
      assert.ok(answer.headers["date"]);
    },
  },
  {
    name: "headers follow the same rules as in HTTP/1",
    async run({ ask }) {
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
    },
  },
  {
    name: "gRPC: one message each way, with trailers",
    async run({ ask }) {
      const answer = await ask("/echo", grpcFrame("ping"), { "content-type": "application/grpc", te: "trailers" });
      assert.deepEqual(answer.body, grpcFrame("ping"));
      assert.equal(answer.trailers?.["grpc-status"], "0");
      assert.equal(answer.trailers?.["grpc-message"], "fine");
    },
  },
  {
    name: "gRPC: an answer of trailers alone",
    async run({ ask }) {
      const answer = await ask("/trailers-only", grpcFrame("x"), { "content-type": "application/grpc" });
      assert.equal(answer.headers["grpc-status"], "5");
      assert.equal(answer.body.length, 0);
    },
  },
  {
    name: "gRPC: a stream of answers",
    async run({ ask }) {
      const answer = await ask("/server-stream", grpcFrame("x"));
      assert.deepEqual(answer.body, Buffer.concat(["one", "two", "three"].map(grpcFrame)));
      assert.equal(answer.trailers?.["grpc-status"], "0");
    },
  },
  {
    name: "gRPC: both sides stream, each message answered before the next is sent",
    async run({ client }) {
      const stream = client.request({ ":method": "POST", ":path": "/echo", "content-type": "application/grpc" });
      for (const text of ["a", "b", "c"]) {
        stream.write(grpcFrame(text));
        const [piece] = await new Promise<Buffer[]>((resolve) =>
          stream.once("data", (data: Buffer) => resolve([data])),
        );
        assert.deepEqual(piece, grpcFrame(text));
      }
      const trailers = new Promise<IncomingHttpHeaders>((resolve) => stream.once("trailers", resolve));
      stream.end();
      stream.resume();
      assert.equal((await trailers)["grpc-status"], "0");
    },
  },
  {
    name: "request trailers are passed on",
    differs: "Go announces the trailers and loses their values",
    async run({ ask }) {
      assert.equal(String((await ask("/request-trailers", "x", {}, { "x-t": "v" })).body), "v");
    },
  },
  {
    name: "103 is passed on before the final answer",
    differs: "with request metrics on, Go's recorder takes the 103 for the status, and 200 reaches the client",
    async run({ ask }) {
      const answer = await ask("/early");
      assert.equal(answer.early[0]?.["link"], "</a>");
      assert.equal(answer.status, 404);
    },
  },
  {
    name: "204 has no body",
    async run({ ask }) {
      const answer = await ask("/no-body");
      assert.equal(answer.status, 204);
      assert.equal(answer.headers["content-length"], undefined);
    },
  },
  {
    name: "a container that resets before it answers is answered for: 502",
    async run({ ask }) {
      assert.equal((await ask("/reset")).status, 502);
    },
  },
  {
    name: "a container that dies within its answer resets the client's stream",
    async run({ ask }) {
      const answer = await ask("/dies");
      assert.equal(answer.status, 200);
      assert.equal(answer.resetCode, http2.constants.NGHTTP2_INTERNAL_ERROR);
    },
  },
  {
    name: "three megabytes come down and go up unchanged",
    async run({ ask }) {
      assert.equal((await ask("/big")).body.length, 3_000_000);
      const body = Buffer.alloc(3_000_000, "0123456789");
      assert.ok((await ask("/echo", body)).body.equals(body));
    },
  },
  {
    name: "more streams at once than one connection to the container may carry",
    async run({ ask }) {
      const answers = await Promise.all(Array.from({ length: 80 }, () => ask("/plain")));
      assert.ok(answers.every((answer) => String(answer.body) === "hello"));
    },
  },
  {
    name: "a client that resets a stream resets it towards the container",
    async run({ client, server }) {
      const closed = new Promise<number>((resolve) => {
        server.once("stream", (stream) => stream.on("close", () => resolve(stream.rstCode)));
      });
      const stream = client.request({ ":method": "POST", ":path": "/hang" });
      stream.on("error", () => {});
      stream.write("x");
      await new Promise((resolve) => server.once("stream", resolve));
      stream.close(http2.constants.NGHTTP2_CANCEL);
      assert.equal(await closed, http2.constants.NGHTTP2_CANCEL);
    },
  },
];

/** Requests over HTTP/2 to a container that speaks it. */
export const http2Container: Group<Http2Case> = { name: "a container that speaks HTTP/2", cases, open };

async function open(start: StartSubject) {
  const sockets = new Set<Socket>();
  const server = http2.createServer({ settings: { maxConcurrentStreams: 20 } });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    container[headers[":path"] ?? ""]?.(stream, headers, sockets);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const subject = await start({ CONTAINER_CONCURRENCY: "100" }, (server.address() as AddressInfo).port);
  const client = http2.connect(`http://127.0.0.1:${subject.ports.main}`);
  client.on("error", () => {});
  return {
    run: (one: Http2Case) => one.run({ server, client, ask: makeAsk(client) }),
    async close() {
      client.destroy();
      await subject.stop();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function makeAsk(client: ClientHttp2Session): Scene["ask"] {
  return (path, body, headers = {}, trailers) =>
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
}
