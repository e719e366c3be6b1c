import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { registryAuthorities } from "./authorities.ts";

const pem = (content: string) => `-----BEGIN CERTIFICATE-----\n${content}\n-----END CERTIFICATE-----`;
let root: string;

before(() => {
  root = mkdtempSync(join(tmpdir(), "authorities-"));
  mkdirSync(join(root, "var/run/secrets/kubernetes.io/serviceaccount"), { recursive: true });
  writeFileSync(join(root, "var/run/secrets/kubernetes.io/serviceaccount/ca.crt"), pem("cluster"));
  // As a ConfigMap is mounted.
  mkdirSync(join(root, "one/..now"), { recursive: true });
  symlinkSync("..now", join(root, "one/..data"));
  writeFileSync(join(root, "one/..now/ca.crt"), `# two in one file\n${pem("a")}\n${pem("b")}\n`);
  symlinkSync("..data/ca.crt", join(root, "one/ca.crt"));
  mkdirSync(join(root, "two"));
  writeFileSync(join(root, "two/c.pem"), pem("c"));
  writeFileSync(join(root, "two/README"), "no certificate");
});

after(() => rmSync(root, { recursive: true }));

for (const [name, directories, expected] of [
  ["only the cluster's authority without a list", undefined, ["cluster"]],
  ["one directory is left to Node", ["one"], ["cluster"]],
  ["of a list, all files with certificates", ["one", "two"], ["cluster", "a", "b", "c"]],
  ["a directory that is missing is left out", ["gone", "two"], ["cluster", "c"]],
] as const) {
  test(`authorities of registries: ${name}`, () => {
    const list = directories?.map((directory) => join(root, directory)).join(":");
    const found = registryAuthorities({ HAKN_ROOT: root, ...(list && { SSL_CERT_DIR: list }) });
    assert.deepEqual(found, expected.map(pem));
  });
}

test("outside a cluster there are none", () => {
  assert.deepEqual(registryAuthorities({ HAKN_ROOT: join(root, "elsewhere") }), []);
});
