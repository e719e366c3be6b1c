import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyKeyring, type RegistryCredentials } from "./credentials.ts";
import { RegistryRefusal } from "./registry.ts";
import { type ResolveOptions, resolveImage } from "./resolve.ts";

const digest = `sha256:${"ab".repeat(32)}`;
const options = (more: Partial<ResolveOptions> = {}): ResolveOptions => ({
  registry: { digestOf: async () => digest },
  skip: ["ko.local", "dev.local:5000"],
  tolerate: [],
  keyring: async () => emptyKeyring,
  keychains: [],
  signal: new AbortController().signal,
  ...more,
});
const down: Partial<ResolveOptions> = {
  registry: { digestOf: () => Promise.reject(new Error("HEAD https://ghcr.io: down")) },
};

test("a tag becomes its digest", async () => {
  assert.deepEqual(await resolveImage("busybox", options()), { pinned: `index.docker.io/library/busybox@${digest}` });
});

test("a digest stays as it was written, and nobody is asked", async () => {
  assert.deepEqual(await resolveImage(`ghcr.io/a/b:t@${digest}`, options(down)), { pinned: `ghcr.io/a/b:t@${digest}` });
});

test("registries that are skipped are not asked, with their port and only with it", async () => {
  assert.deepEqual(await resolveImage("ko.local/a/b", options(down)), { pinned: "" });
  assert.deepEqual(await resolveImage("dev.local:5000/a/b", options(down)), { pinned: "" });
  await assert.rejects(resolveImage("dev.local/a/b", options(down)), /down/);
});

for (const tolerate of [["ghcr.io"], ["*"]]) {
  test(`a failing registry is tolerated by ${tolerate}, with a warning`, async () => {
    assert.deepEqual(await resolveImage("ghcr.io/a/b:t", options({ ...down, tolerate })), {
      pinned: "",
      warning:
        'Using the tag of "ghcr.io/a/b:t" as it is: failed to resolve image to digest: HEAD https://ghcr.io: down',
    });
  });
}

test("a name that cannot be parsed is no matter of tolerance", async () => {
  await assert.rejects(resolveImage("Upper/case", options({ tolerate: ["*"] })), {
    message: /^failed to parse image name "Upper\/case" into a tag: repository can only contain the characters/,
  });
});

/** A registry that asks for credentials until it has seen `enough`, then fails or knows the digest. */
function registryThatWants(enough: number, status?: number) {
  const seen: RegistryCredentials[] = [];
  const registry: ResolveOptions["registry"] = {
    async digestOf(_reference, credentials) {
      for await (const shown of credentials()) if (seen.push(shown) === enough) break;
      if (status !== undefined) throw new RegistryRefusal(`HEAD https://ghcr.io: ${status}`, status, 7);
      return digest;
    },
  };
  return { registry, seen };
}
const own = { location: "ghcr.io", credentials: { username: "own" } };
const cloud = { credentialsFor: async () => [{ username: "cloud" }] };
const brokenCloud = { credentialsFor: () => Promise.reject(new Error("POST https://sts: 403 Forbidden")) };

test("pull secrets go before keychains, which are asked only when those do not suffice", async () => {
  const unasked = { credentialsFor: () => Promise.reject(new Error("must not be asked")) };
  for (const [enough, keychains, expected] of [
    [1, [unasked], ["own"]],
    [2, [cloud, unasked], ["own", "cloud"]],
    [2, [brokenCloud, cloud], ["own", "cloud"]],
  ] as const) {
    const { registry, seen } = registryThatWants(enough);
    await resolveImage("ghcr.io/a/b", options({ registry, keychains, keyring: async () => [own] }));
    assert.deepEqual(
      seen.map(({ username }) => username),
      expected,
    );
  }
});

for (const [status, isTold] of [
  [401, true],
  [403, true],
  [404, false],
  [503, false],
] as const) {
  test(`a keychain that failed is ${isTold ? "named" : "not named"} when the registry says ${status}`, async () => {
    const { registry } = registryThatWants(9, status);
    const failed = resolveImage("ghcr.io/a/b", options({ registry, keychains: [brokenCloud] }));
    const reason = isTold ? " (no other credentials: POST https://sts: 403 Forbidden)" : "";
    await assert.rejects(failed, { message: `HEAD https://ghcr.io: ${status}${reason}`, retryAfterMs: 7 });
  });
}

test("a keychain that fails does not matter where the registry wants nobody's name", async () => {
  const { registry } = registryThatWants(9);
  const { pinned } = await resolveImage("ghcr.io/a/b", options({ registry, keychains: [brokenCloud] }));
  assert.equal(pinned, `ghcr.io/a/b@${digest}`);
});
