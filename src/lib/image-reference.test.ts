import assert from "node:assert/strict";
import { test } from "node:test";
import { allowsPlainHttp, isImageReference, parseImageReference, pinnedName } from "./image-reference.ts";

const sha = `sha256:${"0123456789abcdef".repeat(4)}`;

for (const [image, registry, repository, version] of [
  ["busybox", "index.docker.io", "library/busybox", "latest"],
  ["busybox:1.36", "index.docker.io", "library/busybox", "1.36"],
  ["docker.io/busybox", "index.docker.io", "library/busybox", "latest"],
  ["acme/app", "index.docker.io", "acme/app", "latest"],
  ["ghcr.io/acme/app:v1", "ghcr.io", "acme/app", "v1"],
  ["localhost:5000/app", "localhost:5000", "app", "latest"],
  ["10.1.2.3:5000/a/b:t", "10.1.2.3:5000", "a/b", "t"],
  [`ghcr.io/acme/app@${sha}`, "ghcr.io", "acme/app", sha],
  [`ghcr.io/acme/app:v1@${sha}`, "ghcr.io", "acme/app", sha],
] as const) {
  test(`${image} means ${registry}/${repository} at ${version}`, () => {
    const { tag, digest, ...place } = parseImageReference(image);
    assert.deepEqual(place, { registry, repository });
    assert.equal(digest ?? tag, version);
  });
}

for (const [image, message] of [
  ["", /a repository name must be specified/],
  ["a", /repository must be between 2 and 255 characters in length: a/],
  ["ghcr.io/Acme/app", /repository can only contain the characters `abc.*`: Acme\/app/],
  ["ghcr.io/acme/app:no spaces", /tag can only contain the characters/],
  [`ghcr.io/acme/app:${"x".repeat(129)}`, /tag must be between 1 and 128 characters/],
  ["gh cr.io/acme/app", /registries must be valid RFC 3986 URI authorities: gh cr\.io/],
  [`ghcr.io/acme/app:a tag@${sha}`, /repository can only contain the characters/],
  ["ghcr.io/acme/app@sha256:short", /repository can only contain the characters/],
] as const) {
  test(`the image name ${JSON.stringify(image.slice(0, 40))} is refused`, () => {
    assert.throws(() => parseImageReference(image), message);
    assert.equal(isImageReference(image), false);
  });
}

for (const [registry, plain] of [
  ["localhost:5000", true],
  ["127.0.0.1:5000", true],
  ["127.9.8.7:5000", true],
  ["10.0.0.1", true],
  ["172.16.0.1:5000", true],
  ["172.32.0.1:5000", false],
  ["192.168.1.1:5000", true],
  ["registry.local:5000", true],
  ["[::1]:5000", true],
  ["ghcr.io", false],
  ["10.example.com", false],
] as const) {
  test(`${registry} ${plain ? "may" : "must not"} be asked without TLS`, () => {
    assert.equal(allowsPlainHttp(registry), plain);
  });
}

test("a pinned name has the registry that was asked", () => {
  assert.equal(pinnedName(parseImageReference("busybox"), sha), `index.docker.io/library/busybox@${sha}`);
});
