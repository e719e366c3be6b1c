import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer, type IncomingHttpHeaders, request, type Server } from "node:http";
import { connect as connectHttp2, constants, createServer as createHttp2Server } from "node:http2";
import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  type Server as TcpServer,
} from "node:net";
import { after, before, test } from "node:test";
import type { KubeObject } from "../../apis/meta.ts";
import { systemClock } from "../../lib/clock.ts";
import { silentLogger } from "../../lib/log.ts";
import { fakeClient } from "../../testing/fake-client.ts";
import { type FakeInformers, fakeInformers } from "../../testing/fake-informers.ts";
import { type RunningGateway, startGateway } from "./gateway.ts";

const istio = "networking.istio.io/v1beta1";
const closers: (() => unknown)[] = [];
let informers: FakeInformers;
let gateway: RunningGateway;

function makeIstioGateway(name: string, number: number): KubeObject {
  const servers = [{ hosts: ["*"], port: { name: "http", number, protocol: "HTTP" } }];
  return { apiVersion: istio, kind: "Gateway", metadata: { name, namespace: "kn" }, spec: { servers } } as KubeObject;
}

function makeVirtualService(name: string, host: string, http: unknown[], gateways = ["kn/public"]): KubeObject {
  const spec = { hosts: [host], gateways, http };
  return { apiVersion: istio, kind: "VirtualService", metadata: { name, namespace: "ns" }, spec } as KubeObject;
}

function to(service: string, weight?: number, set?: Record<string, string>): object {
  const destination = { host: `${service}.ns.svc.cluster.local`, port: { number: 80 } };
  return { destination, ...(weight !== undefined && { weight }), ...(set && { headers: { request: { set } } }) };
}

function putService(name: string, ports: number[], portName = "http"): void {
  const metadata = { name, namespace: "ns" };
  informers.put({
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: { ports: [{ name: portName, port: 80 }] },
  } as KubeObject);
  informers.put({
    apiVersion: "v1",
    kind: "Endpoints",
    metadata,
    subsets: ports.map((port) => ({ addresses: [{ ip: "127.0.0.1" }], ports: [{ name: portName, port }] })),
  } as KubeObject);
}

async function listen(server: Server | TcpServer | ReturnType<typeof createHttp2Server>): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    if ("closeAllConnections" in server) server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A pod that tells what it was asked. */
function startPod(name: string): Promise<number> {
  return listen(
    createServer((incoming, answer) => {
      let body = "";
      incoming.on("data", (part) => {
        body += part;
      });
      incoming.on("end", () => {
        answer.setHeader("x-pod", name);
        answer.end(
          JSON.stringify({ name, method: incoming.method, url: incoming.url, headers: incoming.headers, body }),
        );
      });
    }),
  );
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

function ask(
  host: string,
  options: {
    path?: string;
    method?: string;
    headers?: Record<string, string>;
    body?: string;
    port?: number;
    agent?: Agent;
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { path = "/", method = "GET", headers = {}, body, port = gateway.httpPort, agent } = options;
    const outgoing = request(
      { host: "127.0.0.1", port, path, method, headers: { host, ...headers }, agent: agent ?? false },
      (answer) => {
        let text = "";
        answer.on("data", (part) => {
          text += part;
        });
        answer.on("error", reject);
        answer.on("end", () => resolve({ status: answer.statusCode!, headers: answer.headers, text }));
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

before(async () => {
  informers = fakeInformers([makeIstioGateway("public", 80), makeIstioGateway("local", 8081)]);
  gateway = await startGateway({
    httpPort: 0,
    httpsPort: undefined,
    informers,
    client: fakeClient(),
    routeDelayMs: 0,
    clock: systemClock,
    log: silentLogger,
    signal: new AbortController().signal,
  });
});

after(async () => {
  await gateway.close();
  for (const close of closers) close();
});

test("a host with any port reaches its pod with the headers that the route sets, and the pod learns who asks", async () => {
  putService("plain", [await startPod("plain")]);
  const route = {
    match: [{ authority: { prefix: "plain.localhost" } }],
    headers: { request: { set: { "X-Route": "r" } } },
  };
  informers.put(
    makeVirtualService("plain", "plain.localhost", [{ ...route, route: [to("plain", 100, { "X-Split": "s" })] }]),
  );
  const { status, text, headers } = await ask("plain.localhost:8080", {
    path: "/a?b=c",
    method: "POST",
    body: "hello",
  });
  const seen = JSON.parse(text);
  assert.equal(status, 200);
  assert.equal(headers["x-pod"], "plain");
  assert.deepEqual([seen.method, seen.url, seen.body], ["POST", "/a?b=c", "hello"]);
  assert.equal(seen.headers.host, "plain.localhost:8080");
  assert.deepEqual([seen.headers["x-route"], seen.headers["x-split"]], ["r", "s"]);
  assert.equal(seen.headers["x-forwarded-for"], "127.0.0.1");
  assert.equal(seen.headers["x-forwarded-proto"], "http");
  assert.match(seen.headers["x-request-id"], /^[0-9a-f-]{36}$/);
});

test("a host that nobody has is not found, and neither is one of another gateway", async () => {
  informers.put(makeVirtualService("local", "local.ns", [{ route: [to("plain")] }], ["kn/local"]));
  assert.equal((await ask("nobody.localhost")).status, 404);
  assert.equal((await ask("local.ns")).status, 404);
  assert.equal((await ask("local.ns", { port: gateway.localPort })).status, 200);
});

test("a Service without pods answers 503 as Envoy does", async () => {
  putService("empty", []);
  informers.put(makeVirtualService("empty", "empty.localhost", [{ route: [to("empty")] }]));
  const { status, text } = await ask("empty.localhost");
  assert.deepEqual([status, text], [503, "no healthy upstream"]);
});

test("a pod that takes no connection is passed over", async () => {
  putService("half", [1, await startPod("half")]);
  informers.put(makeVirtualService("half", "half.localhost", [{ route: [to("half")] }]));
  for (let round = 0; round < 10; round++) {
    assert.equal((await ask("half.localhost", { method: "POST", body: "x" })).status, 200);
  }
});

const cuts: [name: string, cutAt: number, options: Parameters<typeof ask>[1], status: number, seen: number][] = [
  ["GET on a connection that was kept is asked anew", 2, { method: "GET" }, 200, 3],
  ["HEAD on a connection that was kept is asked anew", 2, { method: "HEAD" }, 200, 3],
  ["POST, even without a body, is not asked anew", 2, { method: "POST" }, 503, 2],
  ["DELETE is not asked anew", 2, { method: "DELETE" }, 503, 2],
  [
    "GET with a body, which is gone, is not asked anew",
    2,
    { method: "GET", headers: { "content-length": "1" }, body: "x" },
    503,
    2,
  ],
  ["GET on a new connection, where the pod had it for sure, is not asked anew", 1, { method: "GET" }, 503, 1],
];
for (const [index, [name, cutAt, options, status, seen]] of cuts.entries()) {
  test(`where the pod cuts the connection before it answers, ${name}`, async () => {
    let asked = 0;
    const pod = createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (part) => {
        if (!part.includes("HTTP/1.1\r\n")) return;
        asked += 1;
        if (asked === cutAt) socket.destroy();
        else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
      });
    });
    const host = `cut-${index}.localhost`;
    putService(`cut-${index}`, [await listen(pod)]);
    informers.put(makeVirtualService(`cut-${index}`, host, [{ route: [to(`cut-${index}`)] }]));
    for (let round = 1; round < cutAt; round++) assert.equal((await ask(host)).status, 200);
    assert.equal((await ask(host, options)).status, status);
    assert.equal(asked, seen);
  });
}

const { NGHTTP2_REFUSED_STREAM, NGHTTP2_INTERNAL_ERROR } = constants;
const refusals: [name: string, codes: number[], body: string, status: number, text: RegExp, seen: number][] = [
  ["sent once more", [NGHTTP2_REFUSED_STREAM], "", 200, /^$/, 2],
  ["sent once more with its body", [NGHTTP2_REFUSED_STREAM], "ping", 200, /^ping$/, 2],
  ["sent twice more", Array(2).fill(NGHTTP2_REFUSED_STREAM), "ping", 200, /^ping$/, 3],
  ["given up in the end", Array(3).fill(NGHTTP2_REFUSED_STREAM), "ping", 503, /remote refused stream reset$/, 3],
  ["given up if its body is long", [NGHTTP2_REFUSED_STREAM], "x".repeat(70_000), 503, /refused stream reset$/, 1],
  [
    "given up if the pod does not say that it has not looked at it",
    [NGHTTP2_INTERNAL_ERROR],
    "",
    503,
    /termination$/,
    1,
  ],
];
for (const [index, [name, codes, body, status, text, seen]] of refusals.entries()) {
  test(`a request of which the pod refuses the stream is ${name}`, async () => {
    let asked = 0;
    const pod = createHttp2Server();
    pod.on("stream", (stream) => {
      stream.on("error", () => {});
      let received = "";
      stream.on("data", (part) => {
        received += part;
      });
      const code = codes[asked++];
      stream.on("end", () => {
        if (code !== undefined) stream.close(code);
        else {
          stream.respond({ ":status": 200 });
          stream.end(received);
        }
      });
    });
    const host = `refused-${index}.localhost`;
    putService(`refused-${index}`, [await listen(pod)], "http2");
    informers.put(makeVirtualService(`refused-${index}`, host, [{ route: [to(`refused-${index}`)] }]));
    const answer = await ask(host, { method: "POST", ...(body && { body }) });
    assert.equal(answer.status, status);
    assert.match(answer.text, text);
    assert.equal(asked, seen);
  });
}

test("a stream that is refused while its request is still being sent loses nothing", async () => {
  const pod = createHttp2Server();
  let asked = 0;
  pod.on("stream", (stream) => {
    stream.on("error", () => {});
    asked += 1;
    if (asked === 1) {
      stream.once("data", () => stream.close(NGHTTP2_REFUSED_STREAM));
      return;
    }
    stream.respond({ ":status": 200 });
    stream.pipe(stream);
  });
  putService("halfway", [await listen(pod)], "http2");
  informers.put(makeVirtualService("halfway", "halfway.localhost", [{ route: [to("halfway")] }]));
  const client = connectHttp2(`http://127.0.0.1:${gateway.httpPort}`);
  const stream = client.request({ ":method": "POST", ":path": "/", ":authority": "halfway.localhost" });
  stream.write("one ");
  await once(stream, "response");
  stream.end("two");
  let text = "";
  for await (const part of stream) text += part;
  assert.deepEqual([text, asked], ["one two", 2]);
  client.close();
});

test("traffic is split by weight, and a header chooses before that", async () => {
  putService("one", [await startPod("one")]);
  putService("two", [await startPod("two")]);
  const byHeader = { match: [{ headers: { "Knative-Serving-Tag": { exact: "two" } } }], route: [to("two")] };
  informers.put(makeVirtualService("split", "split.localhost", [byHeader, { route: [to("one", 80), to("two", 20)] }]));
  const agent = new Agent({ keepAlive: true });
  const counts: Record<string, number> = { one: 0, two: 0 };
  for (let round = 0; round < 300; round++) {
    const { headers } = await ask("split.localhost", { agent });
    counts[String(headers["x-pod"])]! += 1;
  }
  assert.ok(counts["two"]! > 30 && counts["two"]! < 95, JSON.stringify(counts));
  const tagged = await ask("split.localhost", { headers: { "knative-serving-tag": "two" }, agent });
  assert.equal(tagged.headers["x-pod"], "two");
  agent.destroy();
});

test("a mapped domain carries the name of its target on", async () => {
  informers.put(
    makeVirtualService("mapped", "shop.example.com", [{ rewrite: { authority: "plain.ns" }, route: [to("plain")] }]),
  );
  const { text } = await ask("shop.example.com");
  assert.equal(JSON.parse(text).headers.host, "plain.ns");
});

test("a host that must use TLS is sent there", async () => {
  const server = {
    hosts: ["tls.localhost"],
    port: { name: "http-server", number: 80, protocol: "HTTP" },
    tls: { httpsRedirect: true },
  };
  const own = {
    apiVersion: istio,
    kind: "Gateway",
    metadata: { name: "tls", namespace: "ns" },
    spec: { servers: [server] },
  };
  informers.put(own as KubeObject);
  informers.put(makeVirtualService("tls", "tls.localhost", [{ route: [to("plain")] }], ["ns/tls"]));
  const { status, headers } = await ask("tls.localhost", { path: "/x" });
  assert.deepEqual([status, headers.location], [301, "https://tls.localhost/x"]);
});

test("gRPC keeps its trailers, over HTTP/2 on both sides", async () => {
  const pod = createHttp2Server();
  pod.on("stream", (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.pipe(stream);
  });
  putService("grpc", [await listen(pod)], "http2");
  informers.put(makeVirtualService("grpc", "grpc.localhost", [{ route: [to("grpc")] }]));
  const client = connectHttp2(`http://127.0.0.1:${gateway.httpPort}`);
  const stream = client.request({ ":method": "POST", ":path": "/s/m", ":authority": "grpc.localhost", te: "trailers" });
  let trailers: Record<string, unknown> = {};
  stream.on("trailers", (received) => {
    trailers = received;
  });
  stream.write("ping");
  const [first] = (await once(stream, "data")) as [Buffer];
  assert.equal(first.toString(), "ping", "the answer streams while the request is still open");
  stream.end("pong");
  await once(stream, "end");
  assert.equal(trailers["grpc-status"], "0");
  client.close();
});

test("an HTTP/2 client reaches a pod that speaks HTTP/1.1", async () => {
  const client = connectHttp2(`http://127.0.0.1:${gateway.httpPort}`);
  const stream = client.request({ ":method": "POST", ":path": "/up", ":authority": "plain.localhost" });
  stream.end("body");
  const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
  let text = "";
  for await (const part of stream) text += part;
  assert.equal(headers[":status"], 200);
  assert.equal(JSON.parse(text).body, "body");
  client.close();
});

test("a WebSocket is joined with its pod", async () => {
  const pod = createServer();
  pod.on("upgrade", (_request, socket) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n");
    socket.pipe(socket);
  });
  putService("socket", [await listen(pod)]);
  informers.put(makeVirtualService("socket", "socket.localhost", [{ route: [to("socket")] }]));
  const socket = connectTcp(gateway.httpPort, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\nhost: socket.localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
  let seen = "";
  for await (const part of socket) {
    seen += part;
    if (seen.endsWith("\r\n\r\n")) socket.write("echo");
    if (seen.endsWith("echo")) break;
  }
  assert.match(seen, /^HTTP\/1.1 101 .*echo$/s);
  socket.destroy();
});

for (const [name, what, refusal, expected] of [
  [
    "refusing",
    "is passed on",
    "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno",
    /^HTTP\/1.1 403 .*\r\n\r\nno$/s,
  ],
  [
    "broken",
    "that is broken ends with the connection, and nothing is added",
    "HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\nbroken\r\n",
    /^HTTP\/1.1 403 Forbidden\r\n(?!.*HTTP)/s,
  ],
  [
    "cut",
    "that is cut off ends with the connection",
    "HTTP/1.1 403 Forbidden\r\ncontent-length: 100\r\n\r\nno",
    /^HTTP\/1.1 403 Forbidden\r\n(?!.*HTTP)/s,
  ],
] as const) {
  test(`a pod's refusal of a WebSocket ${what}`, async () => {
    const pod = createTcpServer((socket) => {
      socket.once("data", () => socket.end(refusal));
    });
    putService(name, [await listen(pod)]);
    informers.put(makeVirtualService(name, `${name}.localhost`, [{ route: [to(name)] }]));
    const socket = connectTcp(gateway.httpPort, "127.0.0.1");
    socket.write(`GET / HTTP/1.1\r\nhost: ${name}.localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n`);
    let seen = "";
    for await (const part of socket) seen += part;
    assert.match(seen, expected);
  });
}

test("no request is lost while routes and pods change under load", async () => {
  const ports = [await startPod("a"), await startPod("b")];
  putService("churn", ports);
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const failures: unknown[] = [];
  let running = true;
  let answered = 0;
  informers.put(makeVirtualService("churn", "churn.localhost", [{ route: [to("churn")] }]));
  const client = async () => {
    while (running) {
      const { status } = await ask("churn.localhost", { agent, method: "POST", body: "x" }).catch((error) => ({
        status: error,
      }));
      if (status === 200) answered += 1;
      else failures.push(status);
    }
  };
  const clients = Array.from({ length: 16 }, client);
  for (let change = 0; change < 200; change++) {
    putService("churn", change % 2 ? [ports[0]!] : [ports[1]!, ports[0]!]);
    const set = { "x-change": String(change) };
    informers.put(
      makeVirtualService("churn", "churn.localhost", [{ headers: { request: { set } }, route: [to("churn")] }]),
    );
    informers.put(makeVirtualService(`other-${change}`, `other-${change}.localhost`, [{ route: [to("churn")] }]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  running = false;
  await Promise.all(clients);
  agent.destroy();
  assert.deepEqual(failures, []);
  assert.ok(answered > 50, String(answered));
});
