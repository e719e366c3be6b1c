import assert from "node:assert/strict";
import http2, { type IncomingHttpHeaders, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import type { Group, NamedCase } from "../case.ts";
import type { StartSubject } from "../subject.ts";
import { get, RawClient } from "../wire.ts";

/** A message of grpc.health.v1.HealthCheckResponse in its frame. */
const health = (status: number) => Buffer.from([0, 0, 0, 0, 2, 8, status]);

interface HealthCase extends NamedCase {
  /** The container's answer: a message, and the code of gRPC in the trailers. */
  readonly message?: Buffer;
  readonly code: string;
  readonly ready: boolean;
}

const cases: readonly HealthCase[] = [
  { name: "SERVING is ready", message: health(1), code: "0", ready: true },
  { name: "NOT_SERVING is not", message: health(2), code: "0", ready: false },
  { name: "UNKNOWN is not", message: health(0), code: "0", ready: false },
  { name: "a container without the service is not", code: "12", ready: false },
  { name: "a message that cannot be read is not ready", message: Buffer.from("nonsense"), code: "0", ready: false },
];

/** The readiness executor's gRPC probe. */
export const grpcReadiness: Group = { name: "readiness by gRPC", cases, open };

async function open(start: StartSubject) {
  let current = cases[0]!;
  let asked: { headers: IncomingHttpHeaders; body: Buffer } | undefined;
  const sessions = new Set<ServerHttp2Session>();
  const server = http2.createServer();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream, headers) => {
    const pieces: Buffer[] = [];
    stream.on("error", () => {});
    stream.on("data", (piece: Buffer) => pieces.push(piece));
    stream.on("end", () => {
      asked = { headers, body: Buffer.concat(pieces) };
      const { message, code } = current;
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": code }));
      stream.end(message);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const probe = { grpc: { port, service: "mine" }, periodSeconds: 1, timeoutSeconds: 20 };
  const subject = await start({ SERVING_READINESS_PROBE: JSON.stringify(probe) }, port);
  return {
    async run(one: NamedCase) {
      current = one as HealthCase;
      const client = new RawClient(subject.ports.main);
      client.send(get("/", "User-Agent: kube-probe/1\r\nK-Network-Probe: queue\r\n"));
      const { startLine } = await client.message();
      client.destroy();
      assert.match(startLine, current.ready ? / 200 / : / 503 /);
      assert.equal(asked?.headers[":path"], "/grpc.health.v1.Health/Check");
      assert.match(asked.headers["user-agent"] ?? "", /^kube-probe\/\//);
      // Field 1, a string: the service.
      assert.deepEqual(asked.body, Buffer.from("\0\0\0\0\x06\x0a\x04mine", "latin1"));
    },
    async close() {
      await subject.stop();
      for (const session of sessions) session.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
