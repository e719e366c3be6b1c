import assert from "node:assert/strict";
import { test } from "node:test";
import { amazonRegistry, createAmazonKeychain } from "./amazon.ts";
import { fakeSurroundings, type Reply } from "./surroundings-world.ts";

const signal = new AbortController().signal;
const account = "123456789012";
const hour = 3600;
const start = Date.parse("2024-01-01T00:00:00Z") / 1000;
const identity = async () => ({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret", sessionToken: "session" });
const token = (pair: string, lifetime = 12 * hour) => ({
  authorizationToken: Buffer.from(pair).toString("base64"),
  expiresAt: start + lifetime,
  proxyEndpoint: `https://${account}.dkr.ecr.eu-west-1.amazonaws.com`,
});
const api = "POST https://api.ecr.eu-west-1.amazonaws.com/";
const image = { registry: `${account}.dkr.ecr.eu-west-1.amazonaws.com`, repository: "acme/app" };

for (const [host, endpoint, region] of [
  [`${account}.dkr.ecr.eu-west-1.amazonaws.com`, "api.ecr.eu-west-1.amazonaws.com", "eu-west-1"],
  [`${account}.dkr.ecr.cn-north-1.amazonaws.com.cn`, "api.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"],
  [`${account}.dkr.ecr-fips.us-gov-west-1.amazonaws.com`, "ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"],
  [`${account}.dkr-ecr.eu-west-1.on.aws`, "ecr.eu-west-1.api.aws", "eu-west-1"],
  [`${account}.dkr-ecr-fips.us-east-1.on.aws`, "ecr-fips.us-east-1.api.aws", "us-east-1"],
  [
    `${account}.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn`,
    "ecr.cn-north-1.api.amazonwebservices.com.cn",
    "cn-north-1",
  ],
  [`${account}.dkr.ecr.eusc-de-east-1.amazonaws.eu`, "api.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"],
  ["public.ecr.aws", "api.ecr-public.us-east-1.amazonaws.com", "us-east-1"],
  ["ecr-public.aws.com", "api.ecr-public.us-east-1.amazonaws.com", "us-east-1"],
  ["dkr.ecr.eu-west-1.amazonaws.com", undefined, undefined],
  [`${account}.dkr.ecr.eu-west-1.amazonaws.com.example.com`, undefined, undefined],
  ["evil.example.com/123456789012.dkr.ecr.eu-west-1.amazonaws.com", undefined, undefined],
  ["12345.dkr.ecr.eu-west-1.amazonaws.com", undefined, undefined],
  ["ghcr.io", undefined, undefined],
] as const) {
  test(`${host}: ${endpoint ?? "not Amazon's"}`, () => {
    const found = amazonRegistry(host);
    assert.equal(found?.endpoint, endpoint && `https://${endpoint}/`);
    assert.equal(found?.region, region);
  });
}

test("a private registry's name and password come from a signed request for its account", async () => {
  const surroundings = fakeSurroundings({ replies: { [api]: { authorizationData: [token("AWS:pass:word")] } } });
  const keychain = createAmazonKeychain(surroundings, identity);
  assert.deepEqual(await keychain.credentialsFor(image, signal), [{ username: "AWS", password: "pass:word" }]);
  const [{ headers = {}, body } = {}] = surroundings.requests;
  assert.equal(headers["x-amz-target"], "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken");
  assert.equal(headers["content-type"], "application/x-amz-json-1.1");
  assert.equal(headers["x-amz-security-token"], "session");
  assert.match(headers.authorization ?? "", /Credential=AKIDEXAMPLE\/20240101\/eu-west-1\/ecr\/aws4_request,/);
  assert.equal(body, `{"registryIds":["${account}"]}`);
});

test("the public registry has a service of its own", async () => {
  const replies = {
    "POST https://api.ecr-public.us-east-1.amazonaws.com/": { authorizationData: token("AWS:public") },
  };
  const surroundings = fakeSurroundings({ replies });
  const keychain = createAmazonKeychain(surroundings, identity);
  const found = await keychain.credentialsFor({ ...image, registry: "public.ecr.aws" }, signal);
  assert.deepEqual(found, [{ username: "AWS", password: "public" }]);
  const [{ headers = {}, body } = {}] = surroundings.requests;
  assert.equal(headers["x-amz-target"], "SpencerFrontendService.GetAuthorizationToken");
  assert.match(headers.authorization ?? "", /\/us-east-1\/ecr-public\/aws4_request,/);
  assert.equal(body, "{}");
});

test("a password serves until five minutes before its end, for its account and region only", async () => {
  const surroundings = fakeSurroundings({
    replies: {
      [api]: () => ({ authorizationData: [token("AWS:a", surroundings.clock.monotonic() / 1000 + 12 * hour)] }),
      "POST https://api.ecr.us-east-1.amazonaws.com/": { authorizationData: [token("AWS:b")] },
    },
  });
  const keychain = createAmazonKeychain(surroundings, identity);
  const ask = (registry: string) => keychain.credentialsFor({ ...image, registry }, signal);
  await Promise.all([ask(image.registry), ask(image.registry), ask(image.registry)]);
  assert.equal(surroundings.requests.length, 1);
  await surroundings.clock.advance((12 * hour - 301) * 1000);
  await ask(image.registry);
  assert.equal(surroundings.requests.length, 1);
  await surroundings.clock.advance(1000);
  await ask(image.registry);
  assert.equal(surroundings.requests.length, 2);
  await ask(`999999999999.dkr.ecr.eu-west-1.amazonaws.com`);
  await ask(`${account}.dkr.ecr.us-east-1.amazonaws.com`);
  assert.equal(surroundings.requests.length, 4);
});

test("a password that cannot be renewed serves to its end", async () => {
  const replies: Record<string, Reply> = { [api]: { authorizationData: [token("AWS:a", hour)] } };
  const surroundings = fakeSurroundings({ replies });
  const keychain = createAmazonKeychain(surroundings, identity);
  await keychain.credentialsFor(image, signal);
  replies[api] = { status: 500 };
  await surroundings.clock.advance(hour * 1000 - 1);
  assert.equal((await keychain.credentialsFor(image, signal))[0]?.password, "a");
  await surroundings.clock.advance(1);
  await assert.rejects(keychain.credentialsFor(image, signal), { message: /^POST https:\/\/api.ecr.*: 500 Internal/ });
});

for (const [name, reply, message] of [
  [
    "a refusal",
    { status: 400, said: { __type: "AccessDeniedException", message: "User: arn:x is not authorized" } },
    "POST https://api.ecr.eu-west-1.amazonaws.com/: 400 Bad Request: User: arn:x is not authorized",
  ],
  [
    "an answer without a token",
    { authorizationData: [] },
    "POST https://api.ecr.eu-west-1.amazonaws.com/: there is no authorizationToken",
  ],
  [
    "a token that is none",
    { authorizationData: [token("nocolon")] },
    "POST https://api.ecr.eu-west-1.amazonaws.com/: authorizationToken is no name and password",
  ],
  ["no JSON", "<html>", "POST https://api.ecr.eu-west-1.amazonaws.com/: not a JSON object"],
] as const) {
  test(`${name} is told`, async () => {
    const keychain = createAmazonKeychain(fakeSurroundings({ replies: { [api]: reply } }), identity);
    await assert.rejects(keychain.credentialsFor(image, signal), { message });
  });
}

test("for other registries nobody is asked", async () => {
  const surroundings = fakeSurroundings({});
  const keychain = createAmazonKeychain(surroundings);
  assert.deepEqual(await keychain.credentialsFor({ ...image, registry: "ghcr.io" }, signal), []);
  assert.deepEqual(surroundings.asked(), []);
});
