import assert from "node:assert/strict";
import { test } from "node:test";
import { credentialsFor, joinKeyrings, keyringOfSecret } from "./credentials.ts";

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64");
const auth = (pair: string) => ({ auth: Buffer.from(pair).toString("base64") });
const dockerconfig = (auths: Record<string, unknown>) => keyringOfSecret({ ".dockerconfigjson": encode({ auths }) });

test("a name and password are read from their joint encoding", () => {
  const keyring = dockerconfig({ "ghcr.io": auth("me:pass:with:colons") });
  assert.deepEqual(credentialsFor(keyring, "ghcr.io", "acme/app"), { username: "me", password: "pass:with:colons" });
});

test("separate fields win over the joint encoding, tokens are kept", () => {
  const keyring = dockerconfig({
    "ghcr.io": {
      ...auth("a:b"),
      username: "me",
      password: "secret",
      identitytoken: "refresh",
      registrytoken: "bearer",
    },
  });
  assert.deepEqual(credentialsFor(keyring, "ghcr.io", "x/y"), {
    username: "me",
    password: "secret",
    identityToken: "refresh",
    registryToken: "bearer",
  });
});

test("the older secret type is read too", () => {
  const keyring = keyringOfSecret({ ".dockercfg": encode({ "quay.io": auth("me:pass") }) });
  assert.equal(credentialsFor(keyring, "quay.io", "a/b")?.username, "me");
});

for (const [location, registry, repository, found] of [
  ["https://index.docker.io/v1/", "index.docker.io", "library/busybox", true],
  ["docker.io", "index.docker.io", "acme/app", true],
  ["ghcr.io/acme", "ghcr.io", "acme/app", true],
  ["ghcr.io/acme", "ghcr.io", "acmeother/app", false],
  ["ghcr.io/acme/app", "ghcr.io", "acme/app", true],
  ["*.example.com", "eu.example.com", "a/b", true],
  ["*.example.com", "example.com", "a/b", false],
  ["*.example.com", "a.b.example.com", "a/b", false],
  ["registry.local:5000", "registry.local:5000", "a/b", true],
  ["registry.local", "registry.local:5000", "a/b", false],
] as const) {
  test(`credentials of ${location} ${found ? "cover" : "do not cover"} ${registry}/${repository}`, () => {
    const keyring = dockerconfig({ [location]: auth("me:pass") });
    assert.equal(credentialsFor(keyring, registry, repository) !== undefined, found);
  });
}

test("the most specific entry wins", () => {
  const keyring = dockerconfig({
    "ghcr.io": auth("all:1"),
    "ghcr.io/acme/app": auth("app:2"),
    "ghcr.io/acme": auth("acme:3"),
  });
  assert.equal(credentialsFor(keyring, "ghcr.io", "acme/app")?.username, "app");
  assert.equal(credentialsFor(keyring, "ghcr.io", "acme/other")?.username, "acme");
  assert.equal(credentialsFor(keyring, "ghcr.io", "else/app")?.username, "all");
});

test("of several secrets the first one that speaks of a registry wins", () => {
  const joined = joinKeyrings([
    dockerconfig({ "a.io": auth("one:1") }),
    dockerconfig({ "a.io": auth("two:2"), "b.io": auth("b:b") }),
  ]);
  assert.equal(credentialsFor(joined, "a.io", "x/y")?.username, "one");
  assert.equal(credentialsFor(joined, "b.io", "x/y")?.username, "b");
});

test("a secret without credentials holds none", () => {
  assert.equal(keyringOfSecret({ password: "c2VjcmV0" }).size, 0);
  assert.equal(keyringOfSecret(undefined).size, 0);
});

test("a secret that is no JSON says which key is wrong", () => {
  assert.throws(() => keyringOfSecret({ ".dockerconfigjson": Buffer.from("{oops").toString("base64") }), {
    message: "pull secret key .dockerconfigjson is not JSON",
  });
});
