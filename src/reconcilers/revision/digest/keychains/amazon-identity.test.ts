import assert from "node:assert/strict";
import { test } from "node:test";
import { amazonDomain, createAmazonIdentity } from "./amazon-identity.ts";
import { type FakeSurroundings, fakeSurroundings, fieldsOf } from "./surroundings-world.ts";

const signal = new AbortController().signal;
const keys = { AWS_ACCESS_KEY_ID: "env", AWS_SECRET_ACCESS_KEY: "s" };
const role = { AWS_ROLE_ARN: "arn:aws:iam::1:role/puller", AWS_WEB_IDENTITY_TOKEN_FILE: "/token" };
const pod = { AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1/credentials" };
const files = { "/token": "jwt\n", "/pod-token": "pod-jwt\n" };
const answer = (accessKeyId: string, expiration = "2024-01-01T06:00:00Z") => ({
  Code: "Success",
  AccessKeyId: accessKeyId,
  SecretAccessKey: "s",
  Token: "t",
  Expiration: expiration,
});
const sts = (accessKeyId: string) => `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>
  <SubjectFromWebIdentityToken>system:serviceaccount:knative-serving:controlplane</SubjectFromWebIdentityToken>
  <Credentials><AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
  <SessionToken>t</SessionToken><Expiration>2024-01-01T01:00:00Z</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
const imds = "http://169.254.169.254/latest";
const instance = {
  [`PUT ${imds}/api/token`]: "session",
  [`GET ${imds}/meta-data/iam/security-credentials/`]: "node-role\n",
  [`GET ${imds}/meta-data/iam/security-credentials/node-role`]: answer("imds"),
};
const all = {
  "POST https://sts.eu-west-1.amazonaws.com/": sts("sts"),
  "GET http://169.254.170.23/v1/": answer("pod"),
  ...instance,
};

async function identify(surroundings: FakeSurroundings, identity = createAmazonIdentity(surroundings)) {
  const asked = identity("eu-west-1", signal);
  asked.catch(() => {});
  await surroundings.clock.advance(1000);
  return asked;
}

for (const [env, expected] of [
  [{ ...keys, ...role, ...pod }, "env"],
  [{ ...role, ...pod }, "sts"],
  [pod, "pod"],
  [{ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/me" }, "ecs"],
  [{}, "imds"],
  [{ AWS_ACCESS_KEY_ID: "half" }, "imds"],
  [{ AWS_ROLE_ARN: "half" }, "imds"],
] as const) {
  test(`with ${Object.keys(env).join(", ") || "nothing set"}, the credentials are those of ${expected}`, async () => {
    const replies = { ...all, "GET http://169.254.170.2/v2/me": answer("ecs") };
    const found = await identify(fakeSurroundings({ env, files, replies }));
    assert.equal(found.accessKeyId, expected);
  });
}

test("keys in the environment may have a session", async () => {
  const surroundings = fakeSurroundings({ env: { ...keys, AWS_SESSION_TOKEN: "t" } });
  assert.deepEqual(await identify(surroundings), { accessKeyId: "env", secretAccessKey: "s", sessionToken: "t" });
  assert.deepEqual(surroundings.asked(), []);
});

test("a web identity is shown to the token service of the region that we are in", async () => {
  const env = { ...role, AWS_REGION: "us-east-2", AWS_ROLE_SESSION_NAME: "mine" };
  const surroundings = fakeSurroundings({
    env,
    files,
    replies: { "POST https://sts.us-east-2.amazonaws.com/": sts("a") },
  });
  assert.deepEqual(await identify(surroundings), { accessKeyId: "a", secretAccessKey: "s", sessionToken: "t" });
  assert.deepEqual(fieldsOf(surroundings.requests[0]), {
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: role.AWS_ROLE_ARN,
    RoleSessionName: "mine",
    WebIdentityToken: "jwt",
  });
});

test("pod identity is asked with the token in the file, as it is then", async () => {
  const changing: Record<string, string> = { ...files };
  const env = { ...pod, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/pod-token" };
  const surroundings = fakeSurroundings({ env, files: changing, replies: all });
  const identity = createAmazonIdentity(surroundings);
  await identify(surroundings, identity);
  changing["/pod-token"] = "newer";
  await surroundings.clock.advance(6 * 3_600_000);
  await identify(surroundings, identity);
  assert.deepEqual(
    surroundings.requests.map(({ headers, direct }) => [headers?.authorization, direct]),
    [
      ["pod-jwt", true],
      ["newer", true],
    ],
  );
});

test("the instance's role is asked for in a session, directly", async () => {
  const surroundings = fakeSurroundings({ replies: instance });
  await identify(surroundings);
  assert.deepEqual(surroundings.asked(), Object.keys(instance));
  const [session, ...rest] = surroundings.requests;
  assert.deepEqual(session?.headers, { "x-aws-ec2-metadata-token-ttl-seconds": "21600" });
  for (const { headers, direct } of rest) {
    assert.deepEqual(headers, { "x-aws-ec2-metadata-token": "session" });
    assert.equal(direct, true);
  }
});

for (const [env, endpoint] of [
  [{ AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: "IPv6" }, "http://[fd00:ec2::254]"],
  [{ AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://imds.test:1338/" }, "http://imds.test:1338"],
] as const) {
  test(`the metadata server may be at ${endpoint}`, async () => {
    const surroundings = fakeSurroundings({ env });
    await assert.rejects(identify(surroundings), { message: /no answer within 1s/ });
    assert.deepEqual(surroundings.asked(), [`PUT ${endpoint}/latest/api/token`]);
  });
}

test("credentials are kept until five minutes before their end", async () => {
  const surroundings = fakeSurroundings({ replies: instance });
  const identity = createAmazonIdentity(surroundings);
  await identify(surroundings, identity);
  await surroundings.clock.advance((6 * 3600 - 302) * 1000);
  await identify(surroundings, identity);
  assert.equal(surroundings.requests.length, 3);
  await identify(surroundings, identity);
  assert.equal(surroundings.requests.length, 6);
});

test("what fails is passed over for what comes after it", async () => {
  const replies = {
    ...all,
    "POST https://sts.eu-west-1.amazonaws.com/": {
      status: 403,
      said: "<Error><Message>Not authorized</Message></Error>",
    },
  };
  const surroundings = fakeSurroundings({ env: { ...role, ...pod }, files, replies });
  assert.equal((await identify(surroundings)).accessKeyId, "pod");
});

for (const [name, env, replies, message] of [
  [
    "who is set up and fails",
    { ...role, AWS_EC2_METADATA_DISABLED: "true" },
    {
      "POST https://sts": {
        status: 403,
        said: "<ErrorResponse><Error><Message>Not authorized</Message></Error></ErrorResponse>",
      },
    },
    "POST https://sts.eu-west-1.amazonaws.com/: 403 Forbidden: Not authorized",
  ],
  [
    "every source that fails",
    pod,
    { "GET http://169.254.170.23/": { status: 500 } },
    "GET http://169.254.170.23/v1/credentials: 500 Internal Server Error; Amazon's metadata server at http://169.254.169.254: no answer within 1s",
  ],
  [
    "a machine without a role",
    {},
    { ...instance, [`GET ${imds}/meta-data/iam/security-credentials/`]: "" },
    `GET ${imds}/meta-data/iam/security-credentials/: the machine has no role`,
  ],
  [
    "an answer that lacks something",
    { ...pod, AWS_EC2_METADATA_DISABLED: "true" },
    { "GET http://169.254.170.23/": { AccessKeyId: "a" } },
    "GET http://169.254.170.23/v1/credentials: there is no SecretAccessKey",
  ],
  ["that nothing is set up", { AWS_EC2_METADATA_DISABLED: "TRUE" }, {}, "no AWS credentials are set"],
  [
    "an address that would have to be asked without TLS",
    { AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.169.254/x", AWS_EC2_METADATA_DISABLED: "true" },
    {},
    "AWS_CONTAINER_CREDENTIALS_FULL_URI: 169.254.169.254 may not be asked without TLS",
  ],
] as const) {
  test(`${name} is told`, async () => {
    await assert.rejects(identify(fakeSurroundings({ env, files, replies })), { message });
  });
}

for (const [region, domain] of [
  ["eu-west-1", "amazonaws.com"],
  ["us-gov-west-1", "amazonaws.com"],
  ["cn-north-1", "amazonaws.com.cn"],
  ["eusc-de-east-1", "amazonaws.eu"],
  ["us-iso-east-1", "c2s.ic.gov"],
  ["us-isob-east-1", "sc2s.sgov.gov"],
] as const) {
  test(`services of ${region} are at ${domain}`, () => assert.equal(amazonDomain(region), domain));
}
