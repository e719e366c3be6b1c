import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { parseImageReference } from "../../../lib/image-reference.ts";
import { fakeClock } from "../../../testing/fake-clock.ts";
import { parseChallenges } from "./challenge.ts";
import type { RegistryCredentials } from "./credentials.ts";
import { createRegistryClient, RegistryRefusal } from "./registry.ts";
import { createRegistryTransport, type RegistryTransport } from "./transport.ts";

const digest = `sha256:${"ab".repeat(32)}`;

async function* each<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items;
}
const inTurn =
  (...credentials: RegistryCredentials[]) =>
  () =>
    each(credentials);

type Handler = (request: IncomingMessage, response: ServerResponse, host: string) => void;

/** Runs `use` with a client and a registry on a free port; returns the requests that came. */
async function withRegistry(
  handler: Handler,
  use: (digestOf: (repository: string, ...credentials: RegistryCredentials[]) => Promise<string>) => Promise<void>,
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
  const client = createRegistryClient(transport, fakeClock());
  const signal = new AbortController().signal;
  try {
    await use((repository, ...credentials) =>
      client.digestOf(parseImageReference(`${host}/${repository}`), inTurn(...credentials), signal),
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

test("an identity token that is refused is told, and the plain flow is not tried", async () => {
  const requests = await withRegistry(
    (request, response, host) => {
      if (request.method === "POST") response.writeHead(401).end('{"errors":[{"code":"DENIED","message":"expired"}]}');
      else if (request.url?.startsWith("/token")) response.writeHead(200).end('{"token":"for anybody"}');
      else response.writeHead(401, { "www-authenticate": `Bearer realm="http://${host}/token"` }).end();
    },
    (digestOf) =>
      assert.rejects(digestOf("app:v1", { identityToken: "refresh" }), /^Error: POST http:[^ ]+: DENIED: expired$/),
  );
  assert.deepEqual(requests, ["HEAD /v2/app/manifests/v1", "POST /token"]);
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

const right = { username: "me", password: "pw" };
const wrong = { username: "old", password: "gone" };
const basicOf = ({ username, password }: typeof right) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;

/** Wants the right password, by challenges of either kind. */
const strict =
  (kind: "Basic" | "Bearer"): Handler =>
  (request, response, host) => {
    const { authorization } = request.headers;
    if (request.url?.startsWith("/token")) {
      if (authorization === basicOf(right)) response.writeHead(200).end('{"token":"t"}');
      else response.writeHead(403).end('{"errors":[{"code":"DENIED","message":"not you"}]}');
    } else if (authorization === (kind === "Basic" ? basicOf(right) : "Bearer t")) {
      response.writeHead(200, { "docker-content-digest": digest }).end();
    } else {
      const challenge = kind === "Basic" ? "Basic" : `Bearer realm="http://${host}/token"`;
      response.writeHead(401, { "www-authenticate": challenge }).end();
    }
  };

for (const kind of ["Basic", "Bearer"] as const) {
  test(`several credentials are tried in turn, until one is good enough (${kind})`, async () => {
    await withRegistry(strict(kind), async (digestOf) => {
      assert.equal(await digestOf("app:v1", wrong, right, wrong), digest);
    });
  });
}

test("when all credentials are refused, what was said to each is told once", async () => {
  await withRegistry(strict("Bearer"), async (digestOf) => {
    const other = { username: "other", password: "x" };
    const refused = await digestOf("app:v1", wrong, other).catch((error: unknown) => error);
    assert.ok(refused instanceof RegistryRefusal);
    assert.match(refused.message, /^GET http:[^ ]+: DENIED: not you$/);
    assert.equal(refused.status, 403);
  });
});

for (const status of [403, 404]) {
  test(`a registry that tells strangers ${status} of a private repository is asked at its root who may know`, async () => {
    const requests = await withRegistry(
      (request, response) => {
        if (request.headers.authorization === basicOf(right)) {
          response.writeHead(200, { "docker-content-digest": digest }).end();
        } else if (request.url === "/v2/") {
          response.writeHead(401, { "www-authenticate": "Basic" }).end();
        } else {
          response.writeHead(status).end();
        }
      },
      async (digestOf) => assert.equal(await digestOf("app:v1", right), digest),
    );
    assert.deepEqual(requests, ["HEAD /v2/app/manifests/v1", "GET /v2/", "HEAD /v2/app/manifests/v1"]);
  });

  test(`${status} stays ${status} where the registry wants to know of nobody`, async () => {
    const requests = await withRegistry(
      (request, response) => response.writeHead(request.url === "/v2/" ? 200 : status).end(),
      (digestOf) =>
        assert.rejects(digestOf("app:v1", right), new RegExp(`manifests/v1: unexpected status code ${status}`)),
    );
    assert.deepEqual(requests, ["HEAD /v2/app/manifests/v1", "GET /v2/"]);
  });
}

test("several scopes of a challenge are asked for one by one", async () => {
  const requests = await withRegistry(
    (request, response, host) => {
      const scope = "repository:a/app:pull repository:a/base:pull";
      if (request.url?.startsWith("/token")) response.writeHead(200).end('{"token":"t"}');
      else if (request.headers.authorization) response.writeHead(200, { "docker-content-digest": digest }).end();
      else
        response.writeHead(401, { "www-authenticate": `Bearer realm="http://${host}/token",scope="${scope}"` }).end();
    },
    async (digestOf) => assert.equal(await digestOf("a/app:v1"), digest),
  );
  assert.equal(requests[1], "GET /token?scope=repository%3Aa%2Fapp%3Apull&scope=repository%3Aa%2Fbase%3Apull");
});

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

for (const [name, realm, reason] of [
  ["at a metadata server", "http://169.254.169.254/latest/meta-data", /the address is link-local/],
  ["at a metadata server, written otherwise", "http://[::ffff:a9fe:a9fe]/token", /the address is link-local/],
  ["that is no URL", "nowhere", /realm "nowhere" is no URL/],
  ["that is a file", "file:///etc/passwd", /it is without TLS/],
] as const) {
  test(`a token service ${name} is not asked`, async () => {
    const requests = await withRegistry(
      (_request, response) => response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}"` }).end(),
      (digestOf) => assert.rejects(digestOf("app:v1", right), reason),
    );
    assert.deepEqual(requests, ["HEAD /v2/app/manifests/v1"]);
  });
}

test("a registry with TLS cannot send the password to a token service without", async () => {
  const sent: string[] = [];
  const transport: RegistryTransport = {
    async send({ method, url }) {
      sent.push(`${method} ${url}`);
      const headers = { "www-authenticate": 'Bearer realm="http://auth.example.com/token"' };
      return { status: 401, headers, body: Buffer.of() };
    },
    close() {},
  };
  const reference = parseImageReference("registry.example.com/app:v1");
  const asked = createRegistryClient(transport, fakeClock()).digestOf(
    reference,
    inTurn(right),
    new AbortController().signal,
  );
  await assert.rejects(asked, /it is without TLS \(from registry.example.com\)/);
  assert.deepEqual(sent, ["HEAD https://registry.example.com/v2/app/manifests/v1"]);
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
