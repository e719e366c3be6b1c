import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { parseImageReference } from "../../../lib/image-reference.ts";
import { parseChallenges } from "./challenge.ts";
import type { RegistryCredentials } from "./credentials.ts";
import { createRegistryClient } from "./registry.ts";
import { createRegistryTransport } from "./transport.ts";

const digest = `sha256:${"ab".repeat(32)}`;

type Handler = (request: IncomingMessage, response: ServerResponse, host: string) => void;

/** Runs `use` with a client and a registry on a free port; returns the requests that came. */
async function withRegistry(
  handler: Handler,
  use: (digestOf: (repository: string, credentials?: RegistryCredentials) => Promise<string>) => Promise<void>,
): Promise<string[]> {
  const requests: string[] = [];
  let host = "";
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    handler(request, response, host);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const transport = createRegistryTransport({ userAgent: "test" });
  const client = createRegistryClient(transport);
  const signal = new AbortController().signal;
  try {
    await use((repository, credentials) =>
      client.digestOf(parseImageReference(`${host}/${repository}`), async () => credentials, signal),
    );
  } finally {
    transport.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  return requests;
}

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

test("a Bearer challenge is answered with a token for the password, whatever its letter case", async () => {
  const tokenRequests: (string | undefined)[] = [];
  const requests = await withRegistry(
    (request, response, host) => {
      if (request.url?.startsWith("/token")) {
        tokenRequests.push(request.headers.authorization);
        response.writeHead(200).end(JSON.stringify({ token: "t0k" }));
      } else if (request.headers.authorization === "Bearer t0k") {
        response.writeHead(200, { "docker-content-digest": digest }).end();
      } else {
        const challenge = `bEARER realm="http://${host}/token",service="reg",scope="repository:acme/app:pull"`;
        response.writeHead(401, { "www-authenticate": challenge }).end();
      }
    },
    async (digestOf) => assert.equal(await digestOf("acme/app:v1", { username: "me", password: "pw" }), digest),
  );
  assert.deepEqual(tokenRequests, [`Basic ${Buffer.from("me:pw").toString("base64")}`]);
  assert.equal(requests[1], "GET /token?scope=repository%3Aacme%2Fapp%3Apull&service=reg");
});

test("an identity token is exchanged, and where that is unknown the plain flow follows", async () => {
  const requests = await withRegistry(
    (request, response, host) => {
      if (request.method === "POST") response.writeHead(404).end();
      else if (request.url?.startsWith("/token")) response.writeHead(200).end('{"access_token":"t"}');
      else if (request.headers.authorization) response.writeHead(200, { "docker-content-digest": digest }).end();
      else response.writeHead(401, { "www-authenticate": `Bearer realm="http://${host}/token"` }).end();
    },
    async (digestOf) => assert.equal(await digestOf("app:v1", { identityToken: "refresh" }), digest),
  );
  assert.deepEqual(
    requests.map((request) => request.split("?")[0]),
    ["HEAD /v2/app/manifests/v1", "POST /token", "GET /token", "HEAD /v2/app/manifests/v1"],
  );
});

test("a Basic challenge among others is answered with the password", async () => {
  await withRegistry(
    (request, response) => {
      const status = request.headers.authorization?.startsWith("Basic ") ? 200 : 401;
      response.setHeader("www-authenticate", 'Negotiate, Basic realm="reg"');
      response.writeHead(status, { "docker-content-digest": digest }).end();
    },
    async (digestOf) => assert.equal(await digestOf("app:v1", { username: "me", password: "pw" }), digest),
  );
});

test("credentials do not follow a redirect to another host", async () => {
  const seen: (string | undefined)[] = [];
  await withRegistry(
    (request, response, host) => {
      if (request.headers.host?.startsWith("localhost")) {
        seen.push(request.headers.authorization);
        response.writeHead(200, { "docker-content-digest": digest }).end();
      } else if (request.headers.authorization) {
        const location = `http://localhost:${host.split(":")[1]}/elsewhere`;
        response.writeHead(307, { location }).end();
      } else {
        response.writeHead(401, { "www-authenticate": "Basic" }).end();
      }
    },
    async (digestOf) => assert.equal(await digestOf("app:v1", { username: "me", password: "pw" }), digest),
  );
  assert.deepEqual(seen, [undefined]);
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
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const reference = parseImageReference(`127.0.0.1:${port}/app:v1`);
  const asked = createRegistryClient(transport).digestOf(
    reference,
    async () => undefined,
    new AbortController().signal,
  );
  await assert.rejects(asked, { message: /HEAD https:.*ECONNREFUSED.*; HEAD http:.*ECONNREFUSED/ });
  transport.close();
});

test("a look-up that is given up says why", async () => {
  const stop = new AbortController();
  const server = createServer(() => stop.abort(new Error("no answer within 10s")));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const transport = createRegistryTransport({ userAgent: "test" });
  const client = createRegistryClient(transport);
  const asked = client.digestOf(parseImageReference(`127.0.0.1:${port}/app:v1`), async () => undefined, stop.signal);
  await assert.rejects(asked, { message: /no answer within 10s/ });
  transport.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

for (const [header, challenges] of [
  [
    'Bearer realm="https://a/t",service="s, x"',
    [{ scheme: "bearer", parameters: { realm: "https://a/t", service: "s, x" } }],
  ],
  ["Basic", [{ scheme: "basic", parameters: {} }]],
  [
    'Negotiate, Basic realm="a \\"b\\"", Bearer realm=x',
    [
      { scheme: "negotiate", parameters: {} },
      { scheme: "basic", parameters: { realm: 'a "b"' } },
      { scheme: "bearer", parameters: { realm: "x" } },
    ],
  ],
  ["", []],
] as const) {
  test(`the challenge ${JSON.stringify(header)} is understood`, () => {
    assert.deepEqual(parseChallenges(header), challenges);
  });
}
