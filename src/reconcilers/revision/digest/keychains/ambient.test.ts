import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "../../../../lib/log.ts";
import { emptyKeyring, type Keyring } from "../credentials.ts";
import { createRegistryClient } from "../registry.ts";
import { resolveImage } from "../resolve.ts";
import { createDigestResolver } from "../resolver.ts";
import type { HttpRequest } from "../transport.ts";
import { createAmbientKeychains } from "./ambient.ts";
import { type FakeSurroundings, fakeSurroundings, fieldsOf, type Reply } from "./surroundings-world.ts";

const digest = `sha256:${"ab".repeat(32)}`;
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString("base64")}`;

const account = "123456789012";
const amazon = `${account}.dkr.ecr.eu-west-1.amazonaws.com`;
const google = "europe-docker.pkg.dev";
const azure = "acme.azurecr.io";

/** A registry whose manifests are for who shows `authorization`; strangers get the challenge. */
function registry(
  host: string,
  challenge: string,
  authorization: string,
): Record<string, (request: HttpRequest) => Reply> {
  return {
    [`HEAD https://${host}/v2/acme/app/manifests/v1`]: ({ headers }) =>
      headers?.authorization === authorization
        ? { headers: { "docker-content-digest": digest } }
        : { status: 401, headers: { "www-authenticate": challenge } },
  };
}

/** Google's token service: it gives a token for the password that belongs to the name. */
const tokenFor =
  (pair: string, token: string) =>
  ({ headers }: HttpRequest): Reply =>
    headers?.authorization === basic(pair)
      ? { token }
      : { status: 403, said: { errors: [{ code: "DENIED", message: "not you" }] } };

const world = {
  env: {
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret",
    GCE_METADATA_HOST: "169.254.169.254",
    AZURE_TENANT_ID: "tenant",
    AZURE_CLIENT_ID: "client",
    AZURE_FEDERATED_TOKEN_FILE: "/azure-token",
    DOCKER_CONFIG: "/docker",
  },
  files: {
    "/azure-token": "assertion",
    "/docker/config.json": JSON.stringify({ auths: { "quay.io/acme": { auth: "bWU6cHc=" } } }),
  },
  replies: {
    ...registry(amazon, 'Basic realm="ecr"', basic("AWS:ecr-password")),
    "POST https://api.ecr.eu-west-1.amazonaws.com/": {
      authorizationData: [
        { authorizationToken: Buffer.from("AWS:ecr-password").toString("base64"), expiresAt: 1_800_000_000 },
      ],
    },
    ...registry(google, `Bearer realm="https://${google}/v2/token",service="${google}"`, "Bearer registry-token"),
    [`GET https://${google}/v2/token?`]: tokenFor("_token:ya29", "registry-token"),
    "GET http://169.254.169.254/computeMetadata/": { access_token: "ya29", expires_in: 3600 },
    ...registry(azure, `Bearer realm="https://${azure}/oauth2/token",service="${azure}"`, "Bearer acr-token"),
    [`POST https://${azure}/oauth2/exchange`]: { refresh_token: "refresh" },
    [`POST https://${azure}/oauth2/token`]: (request: HttpRequest): Reply =>
      fieldsOf(request).refresh_token === "refresh" ? { access_token: "acr-token" } : { status: 401 },
    "POST https://login.microsoftonline.com/tenant/": { access_token: "aad", expires_in: 3600 },
    ...registry("quay.io", "Basic", basic("me:pw")),
    ...registry("public.example.com", 'Bearer realm="https://public.example.com/token"', "Bearer anonymous"),
    "GET https://public.example.com/token": { token: "anonymous" },
  },
};

/** Resolves an image as a revision's controller does, with these pull secrets. */
function resolverIn(surroundings: FakeSurroundings, keyring: Keyring = emptyKeyring) {
  const { clock, send } = surroundings;
  const client = createRegistryClient({ send, close() {} }, clock);
  const keychains = createAmbientKeychains(surroundings);
  const digests = createDigestResolver({ clock, log: silentLogger });
  return async (image: string, key = `ns/${image}`, waitMs = 5000) => {
    const request = {
      key,
      images: [image],
      timeoutMs: 10_000,
      resolve: (name: string, signal: AbortSignal) =>
        resolveImage(name, {
          registry: client,
          skip: [],
          tolerate: [],
          keyring: async () => keyring,
          keychains,
          signal,
        }),
    };
    digests.stateOf(request);
    await clock.advance(waitMs);
    const state = digests.stateOf(request);
    digests.forget(key);
    if (state.is === "failed") return state.error.message;
    return state.is === "resolved" ? state.images.get(image)?.pinned : state.is;
  };
}

for (const host of [amazon, google, azure, "quay.io", "public.example.com"]) {
  test(`an image of ${host} is pinned with the credentials that our surroundings give`, async () => {
    const resolve = resolverIn(fakeSurroundings(world));
    assert.equal(await resolve(`${host}/acme/app:v1`), `${host}/acme/app@${digest}`);
  });
}

test("nobody is asked for a password whom the registry does not belong to", async () => {
  const surroundings = fakeSurroundings(world);
  await resolverIn(surroundings)("public.example.com/acme/app:v1");
  assert.deepEqual(surroundings.asked(), [
    "HEAD https://public.example.com/v2/acme/app/manifests/v1",
    "GET https://public.example.com/token?scope=repository%3Aacme%2Fapp%3Apull",
    "HEAD https://public.example.com/v2/acme/app/manifests/v1",
  ]);
});

test("a pull secret that suffices spares the cloud", async () => {
  const surroundings = fakeSurroundings(world);
  const credentials = { username: "AWS", password: "ecr-password" };
  await resolverIn(surroundings, [{ location: amazon, credentials }])(`${amazon}/acme/app:v1`);
  assert.equal(surroundings.asked().filter((line) => !line.startsWith("HEAD")).length, 0);
});

test("after a pull secret that is out of date, the cloud is asked", async () => {
  const credentials = { username: "AWS", password: "yesterday's" };
  const resolve = resolverIn(fakeSurroundings(world), [{ location: amazon, credentials }]);
  assert.equal(await resolve(`${amazon}/acme/app:v1`), `${amazon}/acme/app@${digest}`);
});

test("many images of one registry ask the cloud once", async () => {
  const surroundings = fakeSurroundings(world);
  const resolve = resolverIn(surroundings);
  await Promise.all(Array.from({ length: 20 }, (_, index) => resolve(`${amazon}/acme/app:v1`, `ns/revision-${index}`)));
  assert.equal(surroundings.asked().filter((line) => line.startsWith("POST https://api.ecr.")).length, 1);
});

for (const [host, message] of [
  [
    amazon,
    `HEAD https://${amazon}/v2/acme/app/manifests/v1: unexpected status code 401 Unauthorized (HEAD responses have no body, use GET for details) (no other credentials: Amazon's metadata server at http://169.254.169.254: no answer within 1s)`,
  ],
  [
    google,
    `GET https://${google}/v2/token?scope=repository%3Aacme%2Fapp%3Apull&service=${google}: DENIED: not you (no other credentials: Google's metadata server at 169.254.169.254: no answer within 1s)`,
  ],
] as const) {
  test(`where we run in no cloud, a private image of ${host} fails and says why`, async () => {
    const { [`POST https://api.ecr.eu-west-1.amazonaws.com/`]: _, ...replies } = world.replies;
    const surroundings = fakeSurroundings({ replies: { ...replies, "GET http://169.254.169.254/": "silence" } });
    assert.equal(await resolverIn(surroundings)(`${host}/acme/app:v1`), message);
  });
}

test("a cloud that stays silent is waited for no longer than for the look-up", async () => {
  const replies = { ...world.replies, "POST https://api.ecr.eu-west-1.amazonaws.com/": "silence" as const };
  const surroundings = fakeSurroundings({ ...world, replies });
  const end = await resolverIn(surroundings)(`${amazon}/acme/app:v1`, "ns/r", 10_000);
  assert.equal(end, `credentials for ${amazon}: no answer within 10s`);
  assert.equal(surroundings.clock.pendingTimers(), 0);
});
