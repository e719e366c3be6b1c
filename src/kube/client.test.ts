import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { type Clock, systemClock } from "../lib/clock.ts";
import { createAuthority, issueCertificate } from "../lib/x509.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import { type HostileServer, startHostileServer } from "../testing/hostile-server.ts";
import { Thing } from "../testing/informer-setup.ts";
import type { Client } from "./api.ts";
import { type ClientConfig, createClient, type RequestFacts } from "./client.ts";
import type { Connection } from "./credentials.ts";
import { ApiError, ConnectionError, isNotFound, isUnauthorized } from "./errors.ts";

const ref = { namespace: "ns", name: "a" };
const thing: Thing = {
  apiVersion: "test.dev/v1",
  kind: "Thing",
  metadata: { ...ref, resourceVersion: "1" },
  data: "x",
};

async function setUp(
  t: TestContext,
  config: Partial<Omit<ClientConfig, "connection">> & { connection?: Partial<Connection> } = {},
  token?: () => string,
): Promise<{ server: HostileServer; client: Client }> {
  const server = await startHostileServer(token ? { token } : {});
  server.put("a", "1");
  const connection = { ...config.connection, ...server.connection };
  const client = createClient({ clock: systemClock, ...config, connection });
  t.after(async () => {
    client.close();
    await server.stop();
  });
  return { server, client };
}

/** A clock whose sleeps end at once and are noted. */
function hastyClock(): { clock: Clock; sleeps: number[] } {
  const sleeps: number[] = [];
  const clock: Clock = {
    ...systemClock,
    async sleep(delayMs) {
      sleeps.push(delayMs);
    },
  };
  return { clock, sleeps };
}

const requestsOf: readonly [string, (client: Client) => Promise<unknown>, string, RegExp?][] = [
  ["get", (client) => client.of(Thing).get(ref), "GET /apis/test.dev/v1/namespaces/ns/things/a"],
  [
    "list",
    (client) => client.of(Thing).list({ labelSelector: "a=b,c", limit: 2 }),
    "GET /apis/test.dev/v1/things?labelSelector=a%3Db%2Cc&limit=2",
  ],
  [
    "create",
    (client) => client.of(Thing).create(thing, { dryRun: true, fieldManager: "me" }),
    "POST /apis/test.dev/v1/namespaces/ns/things?dryRun=All&fieldManager=me",
  ],
  ["update", (client) => client.of(Thing).update(thing), "PUT /apis/test.dev/v1/namespaces/ns/things/a"],
  [
    "updateStatus",
    (client) => client.of(Thing).updateStatus(thing),
    "PUT /apis/test.dev/v1/namespaces/ns/things/a/status",
  ],
  [
    "merge patch",
    (client) => client.of(Thing).patch(ref, { type: "merge", body: { data: null } }),
    "PATCH /apis/test.dev/v1/namespaces/ns/things/a",
    /^application\/merge-patch\+json$/,
  ],
  [
    "apply",
    (client) => client.of(Thing).patch(ref, { type: "apply", body: thing, force: true }),
    "PATCH /apis/test.dev/v1/namespaces/ns/things/a?fieldManager=hakn&force=true",
    /^application\/apply-patch\+yaml$/,
  ],
  ["delete", (client) => client.of(Thing).delete(ref), "DELETE /apis/test.dev/v1/namespaces/ns/things/a"],
  [
    "deleteCollection",
    (client) => client.of(Thing).deleteCollection({ namespace: "ns", labelSelector: "x=y" }),
    "DELETE /apis/test.dev/v1/namespaces/ns/things?labelSelector=x%3Dy",
  ],
];
for (const [name, run, expected, contentType] of requestsOf) {
  test(`${name} is sent as the API wants it`, async (t) => {
    const { server, client } = await setUp(t);
    await run(client);
    const { method, url, headers } = server.requests[0]!;
    assert.equal(`${method} ${url.pathname}${url.search}`, expected);
    if (contentType) assert.match(headers["content-type"]!, contentType);
    assert.equal(headers["user-agent"], "hakn");
  });
}

test("preconditions and propagation travel in the body of a deletion", async (t) => {
  const { server, client } = await setUp(t);
  await client.of(Thing).delete(ref, { propagationPolicy: "Background", preconditions: { uid: "u" } });
  const body: unknown = JSON.parse(server.requests[0]!.body);
  const options = {
    apiVersion: "v1",
    kind: "DeleteOptions",
    propagationPolicy: "Background",
    preconditions: { uid: "u" },
  };
  assert.deepEqual(body, options);
});

test("items of a list get the apiVersion and kind that the server leaves out", async (t) => {
  const { client } = await setUp(t);
  const { items } = await client.of(Thing).list();
  assert.deepEqual([items[0]?.apiVersion, items[0]?.kind], ["test.dev/v1", "Thing"]);
});

test("a refusal carries the Status and says what was asked", async (t) => {
  const { client } = await setUp(t);
  const error = await client
    .of(Thing)
    .get({ namespace: "ns", name: "none" })
    .catch((error: unknown) => error);
  assert.ok(isNotFound(error) && error instanceof ApiError);
  assert.equal(error.status.reason, "NotFound");
  assert.match(error.message, /^GET \/apis\/test.dev\/v1\/namespaces\/ns\/things\/none: NotFound/);
});

test("connections are kept alive", async (t) => {
  const { client, server } = await setUp(t);
  for (let i = 0; i < 20; i++) await client.of(Thing).get(ref);
  // A socket is free again a moment after its answer was read: two may take turns.
  assert.ok(server.connections() <= 2, `${server.connections()} connections`);
});

test("429 is honoured: the request is sent again after Retry-After", async (t) => {
  const { clock, sleeps } = hastyClock();
  const { client, server } = await setUp(t, { clock });
  server.failNext("other", { type: "status", code: 429, retryAfterSeconds: 3 });
  server.failNext("other", { type: "status", code: 429 });
  await client.of(Thing).update(thing);
  assert.deepEqual(sleeps, [3000, 1000]);
  assert.equal(server.requests.length, 3);
});

test("a server that asks to wait too long gets no second attempt", async (t) => {
  const { clock, sleeps } = hastyClock();
  const { client, server } = await setUp(t, { clock });
  server.failNext("other", { type: "status", code: 429, retryAfterSeconds: 3600 });
  await assert.rejects(client.of(Thing).get(ref), { code: 429 });
  assert.deepEqual(sleeps, []);
});

test("a server that is always busy is given up after its waits add up to 30 s", async (t) => {
  const { clock, sleeps } = hastyClock();
  const { client, server } = await setUp(t, { clock });
  for (let i = 0; i < 20; i++) server.failNext("other", { type: "status", code: 503, retryAfterSeconds: 8 });
  await assert.rejects(client.of(Thing).get(ref), { code: 503 });
  assert.deepEqual(sleeps, [8000, 8000, 8000]);
});

test("an error without Retry-After is the caller's", async (t) => {
  const { client, server } = await setUp(t);
  server.failNext("other", { type: "status", code: 500 });
  await assert.rejects(client.of(Thing).get(ref), { code: 500 });
  assert.equal(server.requests.length, 1);
});

for (const fault of ["reset", "garbage", "truncated"] as const) {
  test(`an answer that is ${fault} is a connection error which says what was asked`, async (t) => {
    const { client, server } = await setUp(t);
    server.failNext("other", { type: fault });
    const error = await client
      .of(Thing)
      .update(thing)
      .catch((error: unknown) => error);
    assert.ok(error instanceof ConnectionError, String(error));
    assert.match(error.message, /PUT .*\/things\/a/);
  });
}

test("a read over an idle connection that the server has closed is repeated once", async (t) => {
  const { client, server } = await setUp(t);
  await client.of(Thing).get(ref);
  server.failNext("other", { type: "reset" });
  assert.equal((await client.of(Thing).get(ref)).metadata.name, "a");
});

test("an answer that does not come is given up after the time limit", async (t) => {
  const { client, server } = await setUp(t, { timeoutMs: 30 });
  server.failNext("other", { type: "hang" });
  await assert.rejects(client.of(Thing).get(ref), (error: Error) => {
    return error instanceof ConnectionError && /no answer within 0.03 s/.test(error.message);
  });
});

test("nobody listening is a connection error", async (t) => {
  const { client, server } = await setUp(t);
  await server.stop();
  await assert.rejects(client.of(Thing).get(ref), (error: Error) => {
    return error instanceof ConnectionError && /ECONNREFUSED/.test(error.message);
  });
});

test("an aborted request rejects with the signal's reason and frees its connection", async (t) => {
  const { client, server } = await setUp(t);
  server.failNext("other", { type: "hang" });
  const stopping = new AbortController();
  const request = client.of(Thing).get(ref, stopping.signal);
  await server.nextRequest("other");
  stopping.abort(new Error("no longer needed"));
  await assert.rejects(request, /^Error: no longer needed$/);
});

test("a closed client refuses requests", async (t) => {
  const { client } = await setUp(t);
  client.close();
  await assert.rejects(client.of(Thing).get(ref), /the client is closed/);
});

test("an expired token is read again at once, and then the request succeeds", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "hakn-kube-"));
  t.after(() => rm(directory, { recursive: true }));
  const tokenFile = join(directory, "token");
  await writeFile(tokenFile, "old\n");
  let token = "old";
  const { client, server } = await setUp(t, { connection: { tokenFile } }, () => token);
  await client.of(Thing).get(ref);
  token = "new";
  await writeFile(tokenFile, "new\n");
  await client.of(Thing).get(ref);
  assert.deepEqual(
    server.requests.map(({ headers }) => headers.authorization),
    ["Bearer old", "Bearer old", "Bearer new"],
  );
  token = "newer";
  await assert.rejects(client.of(Thing).get(ref), isUnauthorized);
});

test("the token file is read every minute, and its last content serves while it cannot be read", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "hakn-kube-"));
  const tokenFile = join(directory, "token");
  await writeFile(tokenFile, "old");
  const clock = fakeClock();
  const { client, server } = await setUp(t, { connection: { tokenFile }, clock });
  const send = async () => {
    await client.of(Thing).get(ref);
    return server.requests.at(-1)?.headers.authorization;
  };
  assert.equal(await send(), "Bearer old");
  await writeFile(tokenFile, "new");
  await clock.advance(59_999);
  assert.equal(await send(), "Bearer old");
  await clock.advance(1);
  assert.equal(await send(), "Bearer new");
  await rm(directory, { recursive: true });
  await clock.advance(60_000);
  assert.equal(await send(), "Bearer new");
});

test("requests beyond the rate limit wait for their turn", async (t) => {
  const { clock, sleeps } = hastyClock();
  const frozen: Clock = { ...clock, monotonic: () => 0 };
  const { client } = await setUp(t, { clock: frozen, rateLimit: { qps: 10, burst: 2 } });
  for (let i = 0; i < 4; i++) await client.of(Thing).get(ref);
  assert.deepEqual(sleeps, [100, 200]);
});

test("every request is told with its code", async (t) => {
  const facts: RequestFacts[] = [];
  const { client, server } = await setUp(t, { onRequest: (request) => facts.push(request) });
  await client.of(Thing).get(ref);
  await client
    .of(Thing)
    .get({ ...ref, name: "none" })
    .catch(() => {});
  await server.stop();
  await client
    .of(Thing)
    .update(thing)
    .catch(() => {});
  assert.deepEqual(
    facts.map(({ method, code }) => `${method} ${code}`),
    ["GET 200", "GET 404", "PUT <error>"],
  );
});

test("over TLS the server is verified by its CA, and the client shows its certificate", async (t) => {
  const validity = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 3_600_000 };
  const authority = await createAuthority({ commonName: "ca", ...validity });
  const serverPair = await issueCertificate(authority, {
    commonName: "api",
    ipAddresses: ["127.0.0.1"],
    usages: ["server"],
    ...validity,
  });
  const clientPair = await issueCertificate(authority, { commonName: "me", usages: ["client"], ...validity });
  const tls = { ca: authority.certificate, cert: serverPair.certificate, key: serverPair.key, requestCert: true };
  const server = https.createServer({ ...tls, rejectUnauthorized: false }, (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate();
    response.end(JSON.stringify({ user: subject?.CN ?? "nobody" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clients: Client[] = [];
  t.after(async () => {
    for (const client of clients) client.close();
    await new Promise((resolve) => server.close(resolve));
  });
  const connect = (connection: Partial<Connection>) => {
    const client = createClient({ connection: { server: address, ...connection }, clock: systemClock });
    clients.push(client);
    return client.raw("GET", "/whoami");
  };
  const ca = authority.certificate;
  assert.deepEqual(await connect({ ca, cert: clientPair.certificate, key: clientPair.key }), { user: "me" });
  assert.deepEqual(await connect({ ca }), { user: "nobody" });
  assert.deepEqual(await connect({ skipTlsVerify: true }), { user: "nobody" });
  await assert.rejects(connect({}), ConnectionError);
  await assert.rejects(connect({ ca, serverName: "other.example" }), ConnectionError);
});

test("a path in the server's address is a prefix", async (t) => {
  const paths: string[] = [];
  const server = http.createServer((request, response) => {
    paths.push(request.url!);
    response.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/clusters/one/`;
  const client = createClient({ connection: { server: address }, clock: systemClock });
  t.after(async () => {
    client.close();
    await new Promise((resolve) => server.close(resolve));
  });
  await client.raw("GET", "/version");
  assert.deepEqual(paths, ["/clusters/one/version"]);
});
