import assert from "node:assert/strict";
import { test } from "node:test";
import { credentialsFor, keyringOfDockerConfig, keyringOfSecret } from "./credentials.ts";

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64");
const auth = (pair: string) => ({ auth: Buffer.from(pair).toString("base64") });
const dockerconfig = (auths: Record<string, unknown>) => keyringOfSecret({ ".dockerconfigjson": encode({ auths }) });

const usernames = (...found: Parameters<typeof credentialsFor>) =>
  credentialsFor(...found).map(({ username }) => username);

test("a name and password are read from their joint encoding", () => {
  const keyring = dockerconfig({ "ghcr.io": auth("me:pass:with:colons") });
  assert.deepEqual(credentialsFor(keyring, "ghcr.io", "acme/app"), [{ username: "me", password: "pass:with:colons" }]);
});

test("the joint encoding goes before separate fields, tokens are kept", () => {
  const tokens = { identitytoken: "refresh", registrytoken: "bearer" };
  const keyring = dockerconfig({ "ghcr.io": { ...auth("a:b"), username: "me", password: "secret", ...tokens } });
  assert.deepEqual(credentialsFor(keyring, "ghcr.io", "x/y"), [
    { username: "a", password: "b", identityToken: "refresh", registryToken: "bearer" },
  ]);
});

test("separate fields do without a joint encoding, or with one that is none", () => {
  const keyring = dockerconfig({ "ghcr.io": { auth: "bm9uZQ==", username: "me", password: "secret" } });
  assert.deepEqual(credentialsFor(keyring, "ghcr.io", "x/y"), [{ username: "me", password: "secret" }]);
});

test("the older secret type is read too", () => {
  const keyring = keyringOfSecret({ ".dockercfg": encode({ "quay.io": auth("me:pass") }) });
  assert.deepEqual(usernames(keyring, "quay.io", "a/b"), ["me"]);
});

for (const [location, registry, repository, found] of [
  ["https://index.docker.io/v1/", "index.docker.io", "library/busybox", true],
  ["docker.io", "index.docker.io", "acme/app", true],
  ["ghcr.io/acme", "ghcr.io", "acme/app", true],
  ["ghcr.io/acme", "ghcr.io", "acmeother/app", true],
  ["ghcr.io/acme", "ghcr.io", "other/acme", false],
  ["ghcr.io/acme/app", "ghcr.io", "acme/app", true],
  ["https://ghcr.io/v2/acme", "ghcr.io", "acme/app", true],
  ["*.example.com", "eu.example.com", "a/b", true],
  ["*.example.com/a", "eu.example.com", "a/b", true],
  ["*.example.com/b", "eu.example.com", "a/b", false],
  ["registry.local:5000", "registry.local:5000", "a/b", true],
  ["registry.local", "registry.local:5000", "a/b", false],
] as const) {
  test(`credentials of ${location} ${found ? "cover" : "do not cover"} ${registry}/${repository}`, () => {
    const keyring = dockerconfig({ [location]: auth("me:pass") });
    assert.equal(credentialsFor(keyring, registry, repository).length, found ? 1 : 0);
  });
}

test("those of the most specific place come first", () => {
  const keyring = dockerconfig({
    "ghcr.io": auth("all:1"),
    "ghcr.io/acme/app": auth("app:2"),
    "*.io": auth("any:4"),
    "ghcr.io/acme": auth("acme:3"),
  });
  assert.deepEqual(usernames(keyring, "ghcr.io", "acme/app"), ["app", "acme", "all", "any"]);
  assert.deepEqual(usernames(keyring, "ghcr.io", "acme/other"), ["acme", "all", "any"]);
});

test("those of several secrets for one place come in the order of the secrets, each once", () => {
  const joined = [
    ...dockerconfig({ "a.io": auth("one:1") }),
    ...dockerconfig({ "a.io": auth("two:2"), "b.io": auth("b:b") }),
    ...dockerconfig({ "a.io": auth("one:1") }),
  ];
  assert.deepEqual(usernames(joined, "a.io", "x/y"), ["one", "two"]);
  assert.deepEqual(usernames(joined, "b.io", "x/y"), ["b"]);
});

test("places without credentials are left out, as where a helper program keeps them", () => {
  const config = { auths: { "ghcr.io": {}, "quay.io": null }, credsStore: "desktop" };
  assert.deepEqual(keyringOfDockerConfig(JSON.stringify(config)), []);
});

test("a secret without credentials holds none", () => {
  assert.deepEqual(keyringOfSecret({ password: "c2VjcmV0" }), []);
  assert.deepEqual(keyringOfSecret(undefined), []);
});

for (const key of [".dockerconfigjson", ".dockercfg"]) {
  test(`a secret whose ${key} is no JSON says so`, () => {
    assert.throws(() => keyringOfSecret({ [key]: Buffer.from("{oops").toString("base64") }), {
      message: `pull secret key ${key} is not JSON`,
    });
  });
}
