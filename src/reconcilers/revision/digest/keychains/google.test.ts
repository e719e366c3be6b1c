import assert from "node:assert/strict";
import { createVerify, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { createGoogleKeychain } from "./google.ts";
import { type FakeSurroundings, fakeSurroundings, fieldsOf } from "./surroundings-world.ts";

const signal = new AbortController().signal;
const scope = "https://www.googleapis.com/auth/cloud-platform";
const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
const serviceAccount = {
  type: "service_account",
  client_email: "puller@acme.iam.gserviceaccount.com",
  private_key_id: "key-1",
  private_key: keys.privateKey.export({ type: "pkcs8", format: "pem" }),
  token_uri: "https://oauth2.googleapis.com/token",
};
const metadata = "GET http://169.254.169.254";
const metadataServer = { said: "", headers: { "metadata-flavor": "Google" } };
const defaultToken = `${metadata}/computeMetadata/v1/instance/service-accounts/default/token?scopes=${encodeURIComponent(scope)}`;
const token = { access_token: "ya29", expires_in: 3600, token_type: "Bearer" };

/** The password for an image of a registry. */
async function passwordOf(
  surroundings: FakeSurroundings,
  registry = "gcr.io",
  keychain = createGoogleKeychain(surroundings),
) {
  const asked = keychain.credentialsFor({ registry, repository: "acme/app" }, signal);
  asked.catch(() => {});
  await surroundings.clock.advance(1000);
  const [found] = await asked;
  if (found) assert.equal(found.username, "_token");
  return found?.password;
}

for (const [registry, isGoogles] of [
  ["gcr.io", true],
  ["eu.gcr.io", true],
  ["europe-docker.pkg.dev", true],
  ["europe-docker.pkg.dev:443", true],
  ["registry.google.com", true],
  ["pkg.dev", false],
  ["gcr.io.example.com", false],
  ["notgcr.io", false],
  ["ghcr.io", false],
] as const) {
  test(`${registry} is ${isGoogles ? "" : "not "}a registry of Google`, async () => {
    const surroundings = fakeSurroundings({ replies: { [`${metadata}/`]: metadataServer, [defaultToken]: token } });
    assert.equal(await passwordOf(surroundings, registry), isGoogles ? "ya29" : undefined);
    if (!isGoogles) assert.deepEqual(surroundings.asked(), []);
  });
}

test("a service account's key in a file signs for a token", async () => {
  const surroundings = fakeSurroundings({
    env: { GOOGLE_APPLICATION_CREDENTIALS: "/key.json" },
    files: { "/key.json": JSON.stringify(serviceAccount) },
    replies: { "POST https://oauth2.googleapis.com/token": token },
  });
  assert.equal(await passwordOf(surroundings), "ya29");
  const { grant_type, assertion = "" } = fieldsOf(surroundings.requests[0]);
  assert.equal(grant_type, "urn:ietf:params:oauth:grant-type:jwt-bearer");
  const [header = "", claims = "", signature = ""] = assertion.split(".");
  const decode = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  assert.deepEqual(decode(header), { alg: "RS256", typ: "JWT", kid: "key-1" });
  const issuedAt = Date.parse("2024-01-01T00:00:00Z") / 1000 - 10;
  assert.deepEqual(decode(claims), {
    iss: serviceAccount.client_email,
    scope,
    aud: serviceAccount.token_uri,
    iat: issuedAt,
    exp: issuedAt + 3600,
  });
  const isRight = createVerify("RSA-SHA256")
    .update(`${header}.${claims}`)
    .verify(keys.publicKey, signature, "base64url");
  assert.ok(isRight);
});

test("a user's credentials, where gcloud keeps them, are exchanged for a token", async () => {
  const user = { type: "authorized_user", client_id: "id", client_secret: "s", refresh_token: "r" };
  const surroundings = fakeSurroundings({
    env: { HOME: "/home/me" },
    files: { "/home/me/.config/gcloud/application_default_credentials.json": JSON.stringify(user) },
    replies: { "POST https://oauth2.googleapis.com/token": token },
  });
  assert.equal(await passwordOf(surroundings), "ya29");
  const { type: _, ...rest } = user;
  assert.deepEqual(fieldsOf(surroundings.requests[0]), { grant_type: "refresh_token", ...rest });
});

for (const [name, format, subjectFile, impersonation, expected] of [
  ["as text", {}, "subject\n", undefined, "federated"],
  ["in JSON", { type: "json", subject_token_field_name: "jwt" }, '{"jwt":"subject"}', undefined, "federated"],
  ["for a service account's", {}, "subject", "https://iam.example.com/sa:generateAccessToken", "impersonated"],
] as const) {
  test(`another issuer's token, ${name}, is exchanged`, async () => {
    const account = {
      type: "external_account",
      audience: "//iam.googleapis.com/pool",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: "https://sts.googleapis.com/v1/token",
      credential_source: { file: "/var/run/token", format },
      service_account_impersonation_url: impersonation,
    };
    const surroundings = fakeSurroundings({
      env: { GOOGLE_APPLICATION_CREDENTIALS: "/account.json" },
      files: { "/account.json": JSON.stringify(account), "/var/run/token": subjectFile },
      replies: {
        "POST https://sts.googleapis.com/v1/token": { access_token: "federated", expires_in: 3600 },
        "POST https://iam.example.com/": { accessToken: "impersonated", expireTime: "2024-01-01T01:00:00Z" },
      },
    });
    assert.equal(await passwordOf(surroundings), expected);
    assert.deepEqual(fieldsOf(surroundings.requests[0]), {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      audience: account.audience,
      scope,
      requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
      subject_token_type: account.subject_token_type,
      subject_token: "subject",
    });
    assert.equal(surroundings.requests[1]?.headers?.authorization, impersonation && "Bearer federated");
  });
}

test("the metadata server is asked directly, and only by who says that he means it", async () => {
  const surroundings = fakeSurroundings({ replies: { [`${metadata}/`]: metadataServer, [defaultToken]: token } });
  assert.equal(await passwordOf(surroundings), "ya29");
  assert.deepEqual(surroundings.asked(), [`${metadata}/`, defaultToken]);
  for (const { direct, headers } of surroundings.requests) {
    assert.equal(direct, true);
    assert.deepEqual(headers, { "metadata-flavor": "Google" });
  }
});

test("a metadata server that the environment names is asked without looking for it", async () => {
  const surroundings = fakeSurroundings({
    env: { GCE_METADATA_HOST: "metadata.test:8080" },
    replies: { "GET http://metadata.test:8080/computeMetadata/": token },
  });
  assert.equal(await passwordOf(surroundings), "ya29");
  assert.equal(surroundings.requests.length, 1);
});

test("a token serves until five minutes before its end", async () => {
  const surroundings = fakeSurroundings({ replies: { [`${metadata}/`]: metadataServer, [defaultToken]: token } });
  const keychain = createGoogleKeychain(surroundings);
  await passwordOf(surroundings, "gcr.io", keychain);
  await surroundings.clock.advance(3_290_000);
  await passwordOf(surroundings, "eu.gcr.io", keychain);
  assert.equal(surroundings.requests.length, 2);
  await surroundings.clock.advance(10_000);
  await passwordOf(surroundings, "gcr.io", keychain);
  assert.equal(surroundings.requests.length, 4);
});

test("on other machines nobody answers, which costs one second in three minutes", async () => {
  const surroundings = fakeSurroundings({});
  const keychain = createGoogleKeychain(surroundings);
  for (let second = 0; second < 180; second += 20) {
    await assert.rejects(passwordOf(surroundings, "gcr.io", keychain), {
      message: "Google's metadata server at 169.254.169.254: no answer within 1s",
    });
    await surroundings.clock.advance(19_000);
  }
  assert.equal(surroundings.requests.length, 1);
});

for (const [name, env, files, replies, message] of [
  [
    "a key file that is missing",
    { GOOGLE_APPLICATION_CREDENTIALS: "/gone" },
    {},
    { [`${metadata}/`]: { status: 404 } },
    /^GOOGLE_APPLICATION_CREDENTIALS: ENOENT: no such file or directory, open '\/gone'; .*: what answers is not Google's$/,
  ],
  [
    "a key that Google does not know",
    { GOOGLE_APPLICATION_CREDENTIALS: "/key" },
    { "/key": JSON.stringify(serviceAccount) },
    { "POST https://oauth2": { status: 400, said: { error: "invalid_grant", error_description: "Invalid JWT." } } },
    /^GOOGLE_APPLICATION_CREDENTIALS: POST https:\/\/oauth2.googleapis.com\/token: 400 Bad Request: Invalid JWT\.; /,
  ],
  [
    "a kind of credentials that is not supported",
    { GOOGLE_APPLICATION_CREDENTIALS: "/key" },
    { "/key": '{"type":"gdch_service_account"}' },
    {},
    /^GOOGLE_APPLICATION_CREDENTIALS: credentials of the type "gdch_service_account" are not supported; /,
  ],
  [
    "a machine without an account",
    {},
    {},
    { [`${metadata}/`]: metadataServer, [defaultToken]: { status: 404, said: "Not Found" } },
    /^GET http:\/\/169.254.169.254\/computeMetadata\/[^ ]*: 404 Not Found$/,
  ],
] as const) {
  test(`${name} is named`, async () => {
    await assert.rejects(passwordOf(fakeSurroundings({ env, files, replies })), { message });
  });
}

test("after a key file that fails, the metadata server is asked", async () => {
  const surroundings = fakeSurroundings({
    env: { GOOGLE_APPLICATION_CREDENTIALS: "/gone" },
    replies: { [`${metadata}/`]: metadataServer, [defaultToken]: token },
  });
  assert.equal(await passwordOf(surroundings), "ya29");
});
