import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { after, before, describe, it } from "node:test";
import type { Probe } from "../../../apis/core/pod-spec.ts";
import { systemClock } from "../../../lib/clock.ts";
import { asAddressed } from "../../../lib/locate.ts";
import { attempt } from "./actions.ts";

const host = "127.0.0.1";
const listen = (server: Server): Promise<number> =>
  new Promise((resolve) => server.listen(0, host, () => resolve((server.address() as AddressInfo).port)));

describe("a probe's attempt", () => {
  const seen: { url: string; headers: NodeJS.Dict<string | string[]> }[] = [];
  const web = createHttpServer((request, response) => {
    const url = request.url ?? "";
    seen.push({ url, headers: request.headers });
    if (url === "/slow") return;
    if (url === "/endless") return void response.write("x".repeat(20_000));
    if (url === "/slow-body") return void response.write("x");
    if (url === "/here") response.writeHead(302, { location: "/ok" });
    else if (url === "/away") response.writeHead(302, { location: "http://elsewhere.invalid/" });
    else response.writeHead(Number(url.slice(1)) || 200);
    response.end();
  });
  /** A health service: "up" serves, "down" does not, others are unknown. */
  const grpc = createHttp2Server((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const service = Buffer.concat(chunks).subarray(7).toString();
      if (request.url !== "/grpc.health.v1.Health/Check" || service === "none") {
        response.writeHead(200, { "content-type": "application/grpc", "grpc-status": service === "none" ? "12" : "5" });
        return response.end();
      }
      response.writeHead(200, { "content-type": "application/grpc" });
      response.addTrailers({ "grpc-status": "0" });
      response.end(Buffer.from([0, 0, 0, 0, 2, 0x08, service === "down" ? 2 : 1]));
    });
  });
  /** Nobody listens there, and none of ours is given it. */
  const closed = 1;
  let ports: { web: number; grpc: number };
  before(async () => {
    ports = { web: await listen(web), grpc: await listen(grpc as unknown as Server) };
  });
  after(async () => {
    web.closeAllConnections();
    await Promise.all([new Promise((done) => web.close(done)), new Promise((done) => grpc.close(done))]);
  });

  const run = (action: Probe, timeoutMs = 1000) =>
    attempt(
      action,
      {
        container: { name: "c", ports: [{ name: "http", containerPort: ports.web }] },
        podIP: host,
        locate: asAddressed,
        clock: systemClock,
        exec: async (command) => ({ code: command[0] === "yes" ? 0 : 1, output: "why" }),
      },
      timeoutMs,
    );

  type Row = [name: string, action: (p: typeof ports) => Probe, want: true | RegExp, timeoutMs?: number];
  const rows: Row[] = [
    ["succeeds with status 200", (p) => ({ httpGet: { port: p.web, path: "/200" } }), true],
    ["finds a port by its name", () => ({ httpGet: { port: "http", path: "ok" } }), true],
    [
      "fails with status 503",
      (p) => ({ httpGet: { port: p.web, path: "/503" } }),
      /^HTTP probe failed with statuscode: 503$/,
    ],
    ["follows a redirect", (p) => ({ httpGet: { port: p.web, path: "/here" } }), true],
    ["takes a redirect to elsewhere for success", (p) => ({ httpGet: { port: p.web, path: "/away" } }), true],
    [
      "tells that nobody listens",
      () => ({ httpGet: { port: closed } }),
      /^Get "http:\/\/127\.0\.0\.1:\d+\/": dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/,
    ],
    [
      "tells that there was no answer in time",
      (p) => ({ httpGet: { port: p.web, path: "/slow" } }),
      /context deadline exceeded/,
      50,
    ],
    [
      "tells that the answer did not end in time",
      (p) => ({ httpGet: { port: p.web, path: "/slow-body" } }),
      /context deadline exceeded/,
      50,
    ],
    ["reads no more of an answer than the kubelet", (p) => ({ httpGet: { port: p.web, path: "/endless" } }), true],
    ["tells of a port that there is not", () => ({ httpGet: { port: "nope" } }), /^couldn't find port: nope$/],
    ["succeeds where a TCP connection does", (p) => ({ tcpSocket: { port: p.web } }), true],
    ["fails where it does not", () => ({ tcpSocket: { port: closed } }), /connect: connection refused$/],
    ["succeeds with exit code 0", () => ({ exec: { command: ["yes"] } }), true],
    ["fails with another, and shows the output", () => ({ exec: { command: ["no"] } }), /^why$/],
    ["succeeds when a gRPC service serves", (p) => ({ grpc: { port: p.grpc, service: "up" } }), true],
    [
      "fails when it does not",
      (p) => ({ grpc: { port: p.grpc, service: "down" } }),
      /^service unhealthy \(responded with "NOT_SERVING"\)$/,
    ],
    [
      "tells of a server without the health service",
      (p) => ({ grpc: { port: p.grpc, service: "none" } }),
      /does not implement the grpc health protocol/,
    ],
    ["tells of a gRPC server that there is not", () => ({ grpc: { port: closed } }), /failed to connect service/],
  ];
  for (const [name, action, want, timeoutMs] of rows) {
    it(name, async () => {
      const outcome = await run(action(ports), timeoutMs);
      if (want === true) assert.deepEqual(outcome, { ok: true });
      else assert.match(outcome.ok ? "it succeeded" : outcome.message, want);
    });
  }

  it("names itself as the kubelet does, unless told", async () => {
    seen.length = 0;
    const header = (name: string, value: string) => ({ name, value });
    await run({ httpGet: { port: ports.web } });
    await run({
      httpGet: { port: ports.web, httpHeaders: [header("User-Agent", "mine"), header("Host", "h"), header("X", "1")] },
    });
    assert.equal(seen[0]?.headers["user-agent"], "kube-probe/1.34");
    assert.equal(seen[0]?.headers["connection"], "close");
    assert.deepEqual(
      [seen[1]?.headers["user-agent"], seen[1]?.headers["host"], seen[1]?.headers["x"]],
      ["mine", "h", "1"],
    );
  });
});
