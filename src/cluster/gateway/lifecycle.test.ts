import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request, type ServerResponse } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Endpoints } from "../../apis/core/endpoints.ts";
import { VirtualService } from "../../apis/istio/virtualservice.ts";
import type { KubeObject } from "../../apis/meta.ts";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { silentLogger } from "../../lib/log.ts";
import { createAuthority, issueCertificate } from "../../lib/x509.ts";
import { fakeClient } from "../../testing/fake-client.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import { fakeInformers } from "../../testing/fake-informers.ts";
import { startGateway } from "./gateway.ts";
import { makeGatewayEndpoints } from "./objects.ts";

const istio = "networking.istio.io/v1beta1";

/** A world with one pod, behind a gateway with and without TLS. */
async function makeWorld(
  onRequest: (answer: ServerResponse) => void,
  { clock = systemClock, ...route }: { clock?: Clock; timeout?: string } = {},
) {
  const pod = createServer((_, answer) => onRequest(answer));
  pod.listen(0, "127.0.0.1");
  await once(pod, "listening");
  const { port } = pod.address() as AddressInfo;

  const period = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 3_600_000 };
  const authority = await createAuthority({ commonName: "test", ...period });
  const issued = await issueCertificate(authority, {
    commonName: "app",
    dnsNames: ["app.localhost"],
    usages: ["server"],
    ...period,
  });
  const encode = (text: string) => Buffer.from(text).toString("base64");
  const data = { "tls.crt": encode(issued.certificate), "tls.key": encode(issued.key) };

  const metadata = { name: "app", namespace: "ns" };
  const destination = { host: "app.ns.svc.cluster.local", port: { number: 80 } };
  const servers = [
    { hosts: ["*"], port: { name: "http", number: 80, protocol: "HTTP" } },
    {
      hosts: ["*"],
      port: { name: "https", number: 443, protocol: "HTTPS" },
      tls: { mode: "SIMPLE", credentialName: "cert" },
    },
  ];
  const http = [{ ...route, route: [{ destination }] }];
  const objects = [
    { apiVersion: istio, kind: "Gateway", metadata, spec: { servers } },
    {
      apiVersion: istio,
      kind: "VirtualService",
      metadata,
      spec: { hosts: ["app.localhost"], gateways: ["ns/app"], http },
    },
    { apiVersion: "v1", kind: "Service", metadata, spec: { ports: [{ name: "http", port: 80 }] } },
    {
      apiVersion: "v1",
      kind: "Endpoints",
      metadata,
      subsets: [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ name: "http", port }] }],
    },
  ] as unknown as KubeObject[];
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "cert", namespace: "istio-system" },
    data,
  } as KubeObject;
  const client = fakeClient([secret]);
  const informers = fakeInformers(objects);
  const stop = new AbortController();
  const gateway = await startGateway({
    httpPort: 0,
    httpsPort: 0,
    informers,
    client,
    clock,
    log: silentLogger,
    signal: stop.signal,
  });
  const close = async () => {
    await gateway.close();
    pod.closeAllConnections();
    pod.close();
  };
  return { gateway, client, informers, authority: authority.certificate, close };
}

const headers = { host: "app.localhost" };

async function statusAt(port: number, host: string): Promise<number> {
  const outgoing = request({ host: "127.0.0.1", port, headers: { host }, agent: false });
  outgoing.end();
  const [message] = await once(outgoing, "response");
  message.resume();
  return message.statusCode;
}

test("a request that is under way when the gateway closes gets its answer, and the connection ends", async () => {
  let answerOf: (answer: ServerResponse) => void = () => {};
  const asked = new Promise<ServerResponse>((resolve) => {
    answerOf = resolve;
  });
  const { gateway, close } = await makeWorld((answer) => answerOf(answer));
  const outgoing = request({ host: "127.0.0.1", port: gateway.httpPort, headers });
  const answered = once(outgoing, "response");
  outgoing.end();
  const answer = await asked;
  const closed = close();
  answer.end("late");
  const [message] = await answered;
  let text = "";
  for await (const part of message) text += part;
  assert.equal(text, "late");
  await closed;
});

test("a pod that takes longer than the route's timeout is given up with 504", async () => {
  const { gateway, close } = await makeWorld(() => {}, { timeout: "50ms" });
  assert.equal(await statusAt(gateway.httpPort, headers.host), 504);
  await close();
});

test("new routes hold a moment later, when the Endpoints that they lead to have come as well", async () => {
  const clock = fakeClock();
  const { gateway, informers, close } = await makeWorld((answer) => answer.end(), { clock });
  const statusOf = (host: string) => statusAt(gateway.httpPort, host);
  const [known] = informers.of(VirtualService).list();
  assert.equal(await statusOf("app.localhost"), 200);
  const moved = { ...known!.spec, hosts: ["new.localhost"] };
  informers.put({ ...known!, metadata: { ...known!.metadata, resourceVersion: "2" }, spec: moved } as VirtualService);
  await clock.advance(49);
  assert.deepEqual([await statusOf("app.localhost"), await statusOf("new.localhost")], [200, 404]);
  await clock.advance(1);
  assert.deepEqual([await statusOf("app.localhost"), await statusOf("new.localhost")], [404, 200]);
  informers.put({ ...known!, metadata: { ...known!.metadata, resourceVersion: "3" } });
  await close();
  assert.equal(clock.pendingTimers(), 0);
});

test("TLS is served with the certificate that the Gateway names, over HTTP/1.1 and HTTP/2", async () => {
  const { gateway, authority, close } = await makeWorld((answer) => answer.end("hi"));
  const port = gateway.httpsPort!;
  const outgoing = httpsRequest({
    host: "127.0.0.1",
    port,
    servername: "app.localhost",
    ca: authority,
    headers,
    agent: false,
  });
  outgoing.end();
  const [message] = await once(outgoing, "response");
  assert.equal(message.statusCode, 200);
  message.resume();
  const session = connectHttp2(`https://127.0.0.1:${port}`, { servername: "app.localhost", ca: authority });
  const stream = session.request({ ":path": "/", ":authority": "app.localhost" });
  const [head] = (await once(stream, "response")) as [Record<string, unknown>];
  assert.equal(head[":status"], 200);
  stream.resume();
  await once(stream, "close");
  session.close();
  await close();
});

test("the control plane is told where the gateway listens, again when somebody changes that", async () => {
  const { gateway, client, informers, close } = await makeWorld((answer) => answer.end());
  const wanted = makeGatewayEndpoints({ address: "127.0.0.1", ...gateway });
  const stored = (name: string) => client.stored(Endpoints, { name, namespace: "istio-system" })?.subsets;
  for (const { metadata, subsets } of wanted) assert.deepEqual(stored(metadata.name), subsets);
  const before = client.actions.length;
  informers.put({ ...wanted[0]!, subsets: [] } as KubeObject);
  assert.equal(client.actions.length, before + 1);
  await close();
});
