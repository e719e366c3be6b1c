import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { parseImageReference } from "../../../lib/image-reference.ts";
import { fakeClock } from "../../../testing/fake-clock.ts";
import { createRegistryClient, RegistryRefusal } from "./registry.ts";
import { digest, type Handler, inTurn, withRegistry } from "./registry-world.ts";
import { createRegistryTransport, type RegistryTransport } from "./transport.ts";

test("the digest comes from the answer to one HEAD request, with every manifest type accepted", async () => {
  const accepted: string[] = [];
  const requests = await withRegistry(
    (request, response) => {
      accepted.push(request.headers.accept ?? "");
      response.writeHead(200, { "docker-content-digest": digest }).end();
    },
    async (digestOf) => assert.equal(await digestOf("acme/app:v1"), digest),
  );
  assert.deepEqual(requests, ["HEAD /v2/acme/app/manifests/v1"]);
  for (const type of [
    "oci.image.index",
    "oci.image.manifest",
    "docker.distribution.manifest.list",
    "docker.distribution.manifest.v2",
  ]) {
    assert.match(accepted[0]!, new RegExp(type));
  }
});

for (const [what, headStatus] of [
  ["answers HEAD without a digest", 200],
  ["does not know HEAD", 405],
] as const) {
  test(`the manifest is hashed where the registry ${what}`, async () => {
    const manifest = '{"schemaVersion":2}';
    const requests = await withRegistry(
      (request, response) => {
        if (request.method === "HEAD") response.writeHead(headStatus).end();
        else response.writeHead(200).end(manifest);
      },
      async (digestOf) => {
        assert.equal(await digestOf("app:v1"), `sha256:${createHash("sha256").update(manifest).digest("hex")}`);
      },
    );
    assert.deepEqual(requests, ["HEAD /v2/app/manifests/v1", "GET /v2/app/manifests/v1"]);
  });
}

test("an index of several platforms is pinned itself", async () => {
  await withRegistry(
    (request, response) => {
      assert.match(request.headers.accept ?? "", /manifest\.list\.v2/);
      const type = "application/vnd.oci.image.index.v1+json";
      response.writeHead(200, { "content-type": type, "docker-content-digest": digest }).end();
    },
    async (digestOf) => assert.equal(await digestOf("app:v1"), digest),
  );
});

test("how long a registry wants to be left alone is told", async () => {
  await withRegistry(
    (_request, response) => response.writeHead(429, { "retry-after": "120" }).end(),
    async (digestOf) => {
      const refused = await digestOf("app:v1").catch((error: unknown) => error);
      assert.ok(refused instanceof RegistryRefusal);
      assert.equal(refused.retryAfterMs, 120_000);
      assert.match(refused.message, /unexpected status code 429 Too Many Requests/);
    },
  );
});

for (const [name, handler, message] of [
  [
    "an unknown tag",
    (_request, response) => response.writeHead(404).end(),
    /^HEAD http:\/\/127.0.0.1:\d+\/v2\/app\/manifests\/v1: unexpected status code 404 Not Found \(HEAD responses have no body, use GET for details\)$/,
  ],
  [
    "a token service that refuses",
    (request, response, host) =>
      request.url?.startsWith("/token")
        ? response.writeHead(401).end('{"errors":[{"code":"UNAUTHORIZED","message":"who are you"}]}')
        : response.writeHead(401, { "www-authenticate": `Bearer realm="http://${host}/token?key=secret"` }).end(),
    /^GET http:\/\/127.0.0.1:\d+\/token\?key=REDACTED&scope=[^ ]+: UNAUTHORIZED: who are you$/,
  ],
  [
    "a challenge without a realm",
    (_request, response) => response.writeHead(401, { "www-authenticate": "Bearer service=x" }).end(),
    /malformed www-authenticate, missing realm/,
  ],
  [
    "a challenge that nobody knows",
    (_request, response) => response.writeHead(401, { "www-authenticate": "Negotiate abc" }).end(),
    /unrecognized challenge: negotiate/,
  ],
  [
    "a token service without a token",
    (request, response, host) =>
      request.url?.startsWith("/token")
        ? response.writeHead(200).end("{}")
        : response.writeHead(401, { "www-authenticate": `Bearer realm="http://${host}/token"` }).end(),
    /\/token[^ ]*: no token in the answer/,
  ],
] as const satisfies readonly (readonly [string, Handler, RegExp])[]) {
  test(`${name} is told with the request that failed`, async () => {
    await withRegistry(handler, (digestOf) => assert.rejects(digestOf("app:v1"), { message }));
  });
}

test("a registry that nobody listens at is told with both attempts", async () => {
  const transport = createRegistryTransport({ userAgent: "test" });
  const reference = parseImageReference("127.0.0.1:1/app:v1");
  const client = createRegistryClient(transport, fakeClock());
  const asked = client.digestOf(reference, inTurn(), new AbortController().signal);
  await assert.rejects(asked, { message: /HEAD https:.*ECONNREFUSED.*; HEAD http:.*ECONNREFUSED/ });
  transport.close();
});

test("a registry of a public name is never asked without TLS", async () => {
  const sent: string[] = [];
  const transport: RegistryTransport = {
    async send({ method, url }) {
      sent.push(`${method} ${url}`);
      throw new Error("refused");
    },
    close() {},
  };
  const reference = parseImageReference("registry.example.com/app:v1");
  const client = createRegistryClient(transport, fakeClock());
  await assert.rejects(client.digestOf(reference, inTurn(), new AbortController().signal), /refused/);
  assert.deepEqual(sent, ["HEAD https://registry.example.com/v2/app/manifests/v1"]);
});

test("a look-up that is given up says why", async () => {
  const stop = new AbortController();
  const server = createServer(() => stop.abort(new Error("no answer within 10s")));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const transport = createRegistryTransport({ userAgent: "test" });
  const client = createRegistryClient(transport, fakeClock());
  const asked = client.digestOf(parseImageReference(`127.0.0.1:${port}/app:v1`), inTurn(), stop.signal);
  await assert.rejects(asked, { message: /no answer within 10s/ });
  transport.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
