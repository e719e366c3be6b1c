import assert from "node:assert/strict";
import { test } from "node:test";
import { createAzureKeychain } from "./azure.ts";
import { type FakeSurroundings, fakeSurroundings, fieldsOf } from "./surroundings-world.ts";

const signal = new AbortController().signal;
const start = Date.parse("2024-01-01T00:00:00Z") / 1000;
const jwt = (claims: object) => `h.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s`;
const refreshToken = jwt({ exp: start + 3 * 3600 });
const client = { AZURE_TENANT_ID: "tenant", AZURE_CLIENT_ID: "client" };
const files = { "/token": "assertion\n" };
const imds = "GET http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01";
const login = "POST https://login.microsoftonline.com/tenant/oauth2/v2.0/token";
const exchange = "POST https://acme.azurecr.io/oauth2/exchange";
const replies = {
  [login]: { access_token: "aad", expires_in: 3600 },
  [imds]: { status: 400, said: { error: "invalid_request" } },
  [`${imds}&resource=`]: { access_token: "machine", expires_in: "3600" },
  [exchange]: { refresh_token: refreshToken },
};

async function ask(
  surroundings: FakeSurroundings,
  registry = "acme.azurecr.io",
  keychain = createAzureKeychain(surroundings),
) {
  const asked = keychain.credentialsFor({ registry, repository: "app" }, signal);
  asked.catch(() => {});
  await surroundings.clock.advance(1000);
  return asked;
}

for (const [name, env, proof] of [
  [
    "a client's secret",
    { ...client, AZURE_CLIENT_SECRET: "secret", AZURE_FEDERATED_TOKEN_FILE: "/token" },
    { client_secret: "secret" },
  ],
  [
    "a workload identity",
    { ...client, AZURE_FEDERATED_TOKEN_FILE: "/token" },
    {
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: "assertion",
    },
  ],
] as const) {
  test(`${name} becomes a refresh token of the registry`, async () => {
    const surroundings = fakeSurroundings({ env, files, replies });
    assert.deepEqual(await ask(surroundings), [
      { username: "00000000-0000-0000-0000-000000000000", password: refreshToken, identityToken: refreshToken },
    ]);
    assert.deepEqual(surroundings.asked(), [login, exchange]);
    assert.deepEqual(fieldsOf(surroundings.requests[0]), {
      grant_type: "client_credentials",
      client_id: "client",
      scope: "https://management.azure.com/.default",
      ...proof,
    });
    assert.deepEqual(fieldsOf(surroundings.requests[1]), {
      grant_type: "access_token",
      service: "acme.azurecr.io",
      tenant: "tenant",
      access_token: "aad",
    });
  });
}

for (const [name, env, query] of [
  ["the machine's identity", {}, ""],
  ["one of the machine's identities", { AZURE_CLIENT_ID: "client" }, "&client_id=client"],
] as const) {
  test(`without them, it is ${name}, asked directly`, async () => {
    const surroundings = fakeSurroundings({ env, replies });
    assert.equal((await ask(surroundings)).length, 1);
    const token = `${imds}&resource=${encodeURIComponent("https://management.azure.com/")}${query}`;
    assert.deepEqual(surroundings.asked(), [imds, token, exchange]);
    assert.deepEqual(
      surroundings.requests.map(({ direct, headers }) => [direct, headers?.metadata]),
      [
        [true, undefined],
        [true, "true"],
        [undefined, undefined],
      ],
    );
    assert.equal(fieldsOf(surroundings.requests[2]).tenant, undefined);
  });
}

for (const [registry, authority, scope] of [
  ["acme.azurecr.cn", "https://login.chinacloudapi.cn", "https://management.chinacloudapi.cn/.default"],
  ["acme.azurecr.us", "https://login.microsoftonline.us", "https://management.usgovcloudapi.net/.default"],
  ["acme.azurecr.de", "https://login.microsoftonline.de", "https://management.microsoftazure.de/.default"],
  ["ACME.azurecr.io", "https://login.microsoftonline.com", "https://management.azure.com/.default"],
] as const) {
  test(`${registry} is in the cloud of ${authority}`, async () => {
    const surroundings = fakeSurroundings({
      env: { ...client, AZURE_CLIENT_SECRET: "s" },
      replies: { [`POST ${authority}/`]: { access_token: "aad" }, "POST https://": { refresh_token: refreshToken } },
    });
    assert.equal((await ask(surroundings, registry)).length, 1);
    assert.equal(fieldsOf(surroundings.requests[0]).scope, scope);
    assert.equal(surroundings.requests[1]?.url, `https://${registry}/oauth2/exchange`);
  });
}

test("the authority that the environment names is asked", async () => {
  const surroundings = fakeSurroundings({
    env: { ...client, AZURE_CLIENT_SECRET: "s", AZURE_AUTHORITY_HOST: "https://login.test/" },
    replies: {
      "POST https://login.test/tenant/oauth2/v2.0/token": { access_token: "aad" },
      [exchange]: { refresh_token: "r" },
    },
  });
  assert.equal((await ask(surroundings)).length, 1);
});

for (const registry of [
  "ghcr.io",
  "azurecr.io",
  "acme.azurecr.io.example.com",
  "mcr.microsoft.com",
  "acme-azurecr.io",
]) {
  test(`for ${registry} nobody is asked`, async () => {
    const surroundings = fakeSurroundings({ env: { ...client, AZURE_CLIENT_SECRET: "s" }, replies });
    assert.deepEqual(await ask(surroundings, registry), []);
    assert.deepEqual(surroundings.asked(), []);
  });
}

test("tokens serve until five minutes before their end: who we are for all registries, the rest for each", async () => {
  const surroundings = fakeSurroundings({
    env: { ...client, AZURE_CLIENT_SECRET: "s" },
    replies: { ...replies, "POST https://other.azurecr.io/oauth2/exchange": { refresh_token: refreshToken } },
  });
  const keychain = createAzureKeychain(surroundings);
  await ask(surroundings, "acme.azurecr.io", keychain);
  await ask(surroundings, "acme.azurecr.io", keychain);
  assert.equal(surroundings.requests.length, 2);
  await ask(surroundings, "other.azurecr.io", keychain);
  assert.equal(surroundings.requests.length, 3);
  await surroundings.clock.advance((3 * 3600 - 304) * 1000);
  await ask(surroundings, "acme.azurecr.io", keychain);
  assert.equal(surroundings.requests.length, 3);
  await ask(surroundings, "acme.azurecr.io", keychain);
  assert.equal(surroundings.requests.length, 5);
});

for (const [name, env, more, message] of [
  [
    "a refusal",
    { ...client, AZURE_FEDERATED_TOKEN_FILE: "/token" },
    {
      [login]: {
        status: 401,
        said: {
          error: "invalid_client",
          error_description: "AADSTS70021: No match. Trace ID: 1 Correlation ID: 2\r\nTimestamp: 3",
        },
      },
      [imds]: "silence",
    },
    `${login}: 401 Unauthorized: AADSTS70021: No match.; Azure's metadata server at 169.254.169.254: no answer within 1s`,
  ],
  [
    "a registry that does not want the identity",
    { ...client, AZURE_CLIENT_SECRET: "s" },
    { [exchange]: { status: 401, said: { errors: [{ code: "UNAUTHORIZED", message: "not in this tenant" }] } } },
    `${exchange}: 401 Unauthorized: not in this tenant`,
  ],
  [
    "half a configuration",
    { AZURE_CLIENT_SECRET: "s" },
    { [imds]: "silence" },
    "AZURE_TENANT_ID and AZURE_CLIENT_ID are needed with AZURE_CLIENT_SECRET or a federated token; Azure's metadata server at 169.254.169.254: no answer within 1s",
  ],
] as const) {
  test(`${name} is told`, async () => {
    await assert.rejects(ask(fakeSurroundings({ env, files, replies: { ...replies, ...more } })), { message });
  });
}

test("on other machines nobody answers, which costs one second in three minutes", async () => {
  const surroundings = fakeSurroundings({});
  const keychain = createAzureKeychain(surroundings);
  for (let asked = 0; asked < 8; asked++) {
    await assert.rejects(ask(surroundings, "acme.azurecr.io", keychain), { message: /no answer within 1s/ });
    await surroundings.clock.advance(20_000);
  }
  assert.equal(surroundings.requests.length, 1);
});
