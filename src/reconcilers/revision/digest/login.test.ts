import assert from "node:assert/strict";
import { test } from "node:test";
import { parseImageReference } from "../../../lib/image-reference.ts";
import { fakeClock } from "../../../testing/fake-clock.ts";
import { createRegistryClient, RegistryRefusal } from "./registry.ts";
import { digest, type Handler, inTurn, withRegistry } from "./registry-world.ts";
import type { RegistryTransport } from "./transport.ts";

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
