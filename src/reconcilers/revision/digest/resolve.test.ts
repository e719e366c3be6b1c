import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyKeyring } from "./credentials.ts";
import { type ResolveOptions, resolveImage } from "./resolve.ts";

const digest = `sha256:${"ab".repeat(32)}`;
const options = (more: Partial<ResolveOptions> = {}): ResolveOptions => ({
  registry: { digestOf: async () => digest },
  skip: ["ko.local", "dev.local:5000"],
  tolerate: [],
  keyring: async () => emptyKeyring,
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
