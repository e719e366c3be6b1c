import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { type Agent, Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { defaultServingConfig } from "../config/serving-config.ts";
import { silentLogger } from "../lib/log.ts";
import { type CertificatePair, createAuthority, issueCertificate } from "../lib/x509.ts";
import { type FakeClock, fakeClock } from "../testing/fake-clock.ts";
import { admissionPaths } from "./admission.ts";
import type { CertificateSource, ServingPair } from "./certificate-source.ts";
import { startWebhookServer, type WebhookServer, type WebhookServerOptions } from "./server.ts";

const validity = { notBefore: Date.now() - 3_600_000, notAfter: Date.now() + 3_600_000 };
let authority: CertificatePair;
let first: ServingPair;

before(async () => {
  authority = await createAuthority({ commonName: "webhook.knative-serving.svc", ...validity });
  first = await pair();
});

async function pair(): Promise<ServingPair> {
  const { certificate, key } = await issueCertificate(authority, {
    commonName: "webhook.knative-serving.svc",
    dnsNames: ["webhook"],
    usages: ["server"],
    ...validity,
  });
  return { cert: certificate, key };
}

function settableSource(initial: ServingPair | undefined): CertificateSource & { set(pair: ServingPair): void } {
  const handlers = new Set<(pair: ServingPair) => void>();
  let current = initial;
  return {
    current: () => current,
    onChange(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    set(pair) {
      current = pair;
      for (const handler of handlers) handler(pair);
    },
  };
}

interface Running extends WebhookServer {
  readonly clock: FakeClock;
  readonly agent: Agent;
  stop(): void;
}

const running: Running[] = [];
after(async () => {
  for (const server of running) {
    server.stop();
    server.agent.destroy();
    await drain(server);
  }
});

async function start(options: Partial<WebhookServerOptions> = {}): Promise<Running> {
  const stopping = new AbortController();
  const clock = fakeClock();
  const server = await startWebhookServer({
    address: "127.0.0.1",
    port: 0,
    certificates: settableSource(first),
    paths: admissionPaths({ config: () => defaultServingConfig, createPodForTrial: async () => {} }),
    clock,
    log: silentLogger,
    signal: stopping.signal,
    ...options,
  });
  const agent = new HttpsAgent({ ca: authority.certificate, servername: "webhook", keepAlive: true });
  const started = { ...server, clock, agent, stop: () => stopping.abort() };
  running.push(started);
  return started;
}

/** Moves time on until the server has closed. */
async function drain({ clock, done }: Pick<Running, "clock" | "done">): Promise<void> {
  let closed = false;
  void done.then(() => {
    closed = true;
  });
  for (let turn = 0; turn < 200 && !closed; turn++) await clock.advance(1000);
  assert.ok(closed, "the server closes");
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function call(
  server: Running,
  path: string,
  body: string | Buffer | undefined,
  headers: Record<string, string> = { "content-type": "application/json" },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        host: "127.0.0.1",
        port: server.port,
        path,
        method: body === undefined ? "GET" : "POST",
        headers,
        agent: server.agent,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

function review(object: unknown, more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "u-1",
      kind: { group: "serving.knative.dev", version: "v1", kind: "Service" },
      resource: { group: "serving.knative.dev", version: "v1", resource: "services" },
      operation: "CREATE",
      namespace: "default",
      userInfo: { username: "alice" },
      object,
      ...more,
    },
  });
}

const hello = {
  apiVersion: "serving.knative.dev/v1",
  kind: "Service",
  metadata: { name: "hello", namespace: "default" },
  spec: { template: { spec: { containers: [{ image: "hello" }] } } },
};

test("defaulting answers with a JSON patch, under the request's uid and version", async () => {
  const server = await start();
  const answer = await call(server, "/defaulting?timeout=10s", review(hello));
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["content-type"], "application/json");
  const { apiVersion, kind, response } = JSON.parse(answer.body);
  assert.deepEqual(
    [apiVersion, kind, response.uid, response.allowed, response.patchType],
    ["admission.k8s.io/v1", "AdmissionReview", "u-1", true, "JSONPatch"],
  );
  const patch: { path: string; value?: unknown }[] = JSON.parse(Buffer.from(response.patch, "base64").toString());
  assert.deepEqual(patch.find(({ path }) => path === "/metadata/annotations")?.value, {
    "serving.knative.dev/creator": "alice",
    "serving.knative.dev/lastModifier": "alice",
  });
});

const refusals: Record<
  string,
  { path?: string; body: string | Buffer | undefined; headers?: Record<string, string>; want: [number, string] }
> = {
  "another content type": {
    body: "{}",
    headers: { "content-type": "text/plain" },
    want: [415, "invalid Content-Type, want `application/json`\n"],
  },
  "a path without a webhook": { path: "/a%3Cb", body: "{}", want: [400, "no controller registered for: /a%3Cb\n"] },
  "a path that looks like the beginning of an address": {
    path: "//x/defaulting?timeout=10s",
    body: "{}",
    want: [400, "no controller registered for: //x/defaulting\n"],
  },
  "a path with characters that a page would take for marks": {
    path: "/'&",
    body: "{}",
    want: [400, "no controller registered for: /&#39;&amp;\n"],
  },
  "no body": { body: undefined, want: [400, "could not decode body:EOF\n"] },
  "a body that is cut off": { body: review(hello).slice(0, 40), want: [400, "could not decode body:"] },
  "a body that is no review": {
    body: "[]",
    want: [400, "could not decode body:json: AdmissionReview is not an object\n"],
  },
  "a review without a request": {
    body: '{"kind":"AdmissionReview"}',
    want: [400, "could not decode body:json: AdmissionReview.request is not an object\n"],
  },
  "a review of the wrong types": {
    body: '{"request":{"uid":1}}',
    want: [400, "could not decode body:json: the field uid is not a string\n"],
  },
  "deep nesting": {
    body: `{"request":{"object":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`,
    want: [400, "could not decode body:exceeded max depth\n"],
  },
  "a body beyond all bounds": {
    body: Buffer.alloc(17 * 1024 * 1024, 0x20),
    want: [413, "the body has 17825792 bytes; 16777216 are the most\n"],
  },
};

test("what is no review is refused with the right status", async (context) => {
  const server = await start();
  for (const [name, { path = "/defaulting", body, headers, want }] of Object.entries(refusals)) {
    await context.test(name, async () => {
      const answer = await call(server, path, body, headers);
      assert.equal(answer.status, want[0]);
      assert.ok(answer.body.startsWith(want[1]), answer.body);
    });
  }
});

test("kinds that nobody handles are refused in the words of their webhook", async () => {
  const server = await start();
  const other = review(hello, { kind: { group: "serving.knative.dev", version: "v1alpha1", kind: "Service" } });
  const said = async (path: string) => JSON.parse((await call(server, path, other)).body).response.status;
  assert.deepEqual(await said("/defaulting"), {
    metadata: {},
    status: "Failure",
    message: "mutation failed: unhandled kind: serving.knative.dev/v1alpha1, Kind=Service",
    reason: "BadRequest",
    code: 400,
  });
  assert.equal(
    (await said("/resource-validation")).message,
    "decoding request failed: unhandled kind: serving.knative.dev/v1alpha1, Kind=Service",
  );
  assert.equal(
    (await said("/config-validation")).message,
    "validation failed: unhandled kind: serving.knative.dev/v1alpha1, Kind=Service",
  );
});

test("a bad ConfigMap of ours is refused, and others' are not looked at", async () => {
  const server = await start();
  const ask = async (name: string, data: unknown) => {
    const body = review(
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data },
      { kind: { group: "", version: "v1", kind: "ConfigMap" } },
    );
    return JSON.parse((await call(server, "/config-validation", body)).body).response;
  };
  assert.equal(
    (await ask("config-gc", { "min-non-active-revisions": "-1" })).status.message,
    "validation failed: min-non-active-revisions must be non-negative, was: -1",
  );
  assert.equal((await ask("config-gc", { "min-non-active-revisions": "1" })).allowed, true);
  assert.equal((await ask("mine", { "min-non-active-revisions": "-1" })).allowed, true);
  assert.match(
    (await ask("config-gc", { a: 1 })).status.message,
    /^validation failed: cannot decode incoming new object: json: /,
  );
});

test("probes are answered on every path, until the server drains", async () => {
  const server = await start();
  const kubelet = { "user-agent": "kube-probe/1.34" };
  const knative = { "k-network-probe": "probe", "k-network-hash": "abc" };
  assert.equal((await call(server, "/any", undefined, kubelet)).status, 200);
  const probed = await call(server, "/", undefined, knative);
  assert.deepEqual([probed.status, probed.headers["k-network-hash"]], [200, "abc"]);
  assert.equal((await call(server, "/", undefined, { "k-network-probe": "probe" })).status, 400);
  server.stop();
  await server.clock.advance(0);
  for (const headers of [kubelet, knative] as const) {
    const answer = await call(server, "/", undefined, headers);
    assert.deepEqual([answer.status, answer.body], [503, "shutting down\n"]);
  }
});

test("a draining server goes on answering, asks clients to leave, and closes when they have", async () => {
  const server = await start({ drain: { quietMs: 10_000, longestMs: 60_000 } });
  let closed = false;
  void server.done.then(() => {
    closed = true;
  });
  server.stop();
  await server.clock.advance(9_000);
  const answer = await call(server, "/defaulting", review(hello));
  assert.equal(JSON.parse(answer.body).response.allowed, true);
  assert.equal(answer.headers.connection, "close");
  await server.clock.advance(9_000);
  assert.equal(closed, false, "a request puts the end off");
  await server.clock.advance(2_000);
  await drain(server);
});

test("requests under way are answered before the server closes", async () => {
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const slow = async () => {
    arrived.resolve();
    await released.promise;
    return { allowed: true };
  };
  const server = await start({ paths: new Map([["/slow", slow]]), drain: { quietMs: 0, longestMs: 0 } });
  const answer = call(server, "/slow", review(hello));
  await arrived.promise;
  server.stop();
  await server.clock.advance(0);
  released.resolve();
  assert.equal(JSON.parse((await answer).body).response.allowed, true);
  await drain(server);
});

test("a new certificate is shown from the next handshake on, still with TLS 1.3 only", async () => {
  const certificates = settableSource(undefined);
  const server = await start({ certificates });
  await assert.rejects(handshake(server, {}), "there is no certificate yet");
  certificates.set(first);
  const before = await handshake(server, {});
  const second = await pair();
  certificates.set(second);
  const later = await handshake(server, {});
  assert.notEqual(later.fingerprint, before.fingerprint);
  assert.equal(later.protocol, "TLSv1.3");
  await assert.rejects(handshake(server, { maxVersion: "TLSv1.2" }));
});

test("no handshake is refused while certificates change, and each shows one of them", async () => {
  const certificates = settableSource(first);
  const server = await start({ certificates });
  const pairs = [first, await pair(), await pair()];
  let isOver = false;
  const clients = Array.from({ length: 4 }, async () => {
    let handshakes = 0;
    const seen = new Set<string>();
    for (; !isOver; handshakes++) seen.add((await handshake(server, {})).fingerprint);
    return { handshakes, seen };
  });
  for (let change = 1; change <= 60; change++) {
    certificates.set(pairs[change % pairs.length]!);
    await handshake(server, {});
  }
  isOver = true;
  const known = new Set(pairs.map(({ cert }) => new X509Certificate(cert).fingerprint256));
  for (const { handshakes, seen } of await Promise.all(clients)) {
    assert.ok(handshakes > 0);
    assert.deepEqual(
      [...seen].filter((fingerprint) => !known.has(fingerprint)),
      [],
    );
  }
});

test("TLS 1.2 can be allowed", async () => {
  const server = await start({ tlsMinVersion: "TLSv1.2" });
  assert.equal((await handshake(server, { maxVersion: "TLSv1.2" })).protocol, "TLSv1.2");
});

function handshake(
  { port }: Pick<Running, "port">,
  options: { readonly maxVersion?: "TLSv1.2" },
): Promise<{ protocol: string | null; fingerprint: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host: "127.0.0.1", port, ca: authority.certificate, servername: "webhook", ...options },
      () => {
        const { fingerprint256 } = socket.getPeerCertificate();
        resolve({ protocol: socket.getProtocol(), fingerprint: fingerprint256 });
        socket.destroy();
      },
    );
    socket.once("error", reject);
  });
}
