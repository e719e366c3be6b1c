import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";
import { installation } from "../build/installation.ts";
import { type ImageContents, writeImageLayout } from "../build/oci-layout.ts";
import type { KubeObject } from "../src/apis/meta.ts";
import { parseManifest } from "../src/cluster/manifests.ts";

const sha256 = (body: Buffer) => `sha256:${createHash("sha256").update(body).digest("hex")}`;

describe("image layouts", () => {
  const directory = mkdtempSync(join(tmpdir(), "hakn-layout-"));
  after(() => rmSync(directory, { recursive: true, force: true }));
  const program = join(directory, "program");
  writeFileSync(program, "program".repeat(10_000), { mode: 0o600 });
  const image: ImageContents = {
    tag: "1.2.3",
    user: "65532",
    env: ["PATH=/app"],
    entrypoint: ["/app/program"],
    layers: [
      [
        { path: "/etc/", mode: 0o755 },
        { path: "/etc/passwd", mode: 0o644, text: "nonroot" },
      ],
      [{ path: "/app/program", mode: 0o755, file: program }],
    ],
  };
  const layout = join(directory, "layout");
  const blob = (digest: string) => readFileSync(join(layout, "blobs/sha256", digest.slice("sha256:".length)));
  const json = (digest: string) => JSON.parse(blob(digest).toString());

  test("lead from the tag to the files, by digests that are right", async () => {
    const digest = await writeImageLayout(layout, image);
    const index = JSON.parse(readFileSync(join(layout, "index.json"), "utf8"));
    assert.equal(index.manifests[0].digest, digest);
    assert.equal(index.manifests[0].annotations["org.opencontainers.image.ref.name"], "1.2.3");
    const blobs = readdirSync(join(layout, "blobs/sha256"));
    assert.equal(blobs.length, 4, "manifest, configuration, two layers");
    for (const name of blobs) assert.equal(sha256(blob(`sha256:${name}`)), `sha256:${name}`);

    const manifest = json(digest);
    const config = json(manifest.config.digest);
    assert.deepEqual(config.config.Entrypoint, ["/app/program"]);
    assert.equal(config.config.User, "65532");
    const files = [];
    for (const [index, layer] of manifest.layers.entries()) {
      assert.equal(blob(layer.digest).length, layer.size);
      const plain = gunzipSync(blob(layer.digest));
      assert.equal(sha256(plain), config.rootfs.diff_ids[index]);
      for await (const entry of Readable.from([plain]).pipe(extract())) {
        const { name, mode, type, uid, size } = entry.header;
        files.push([name, mode, type, uid, size]);
        entry.resume();
      }
    }
    assert.deepEqual(files, [
      ["etc/", 0o755, "directory", 0, 0],
      ["etc/passwd", 0o644, "file", 0, 7],
      ["app/program", 0o755, "file", 0, 70_000],
    ]);
  });

  test("have the same digest for the same contents, and another for others", async () => {
    const first = await writeImageLayout(layout, image);
    utimesSync(program, 1, 1);
    assert.equal(await writeImageLayout(layout, image), first);
    assert.notEqual(await writeImageLayout(layout, { ...image, user: "0" }), first);
  });
});

describe("the installation for a Kubernetes cluster", () => {
  const images = { controlplane: "r/c@sha256:1", autoscaler: "r/a@sha256:2", "queue-proxy": "r/q@sha256:3" };
  const text = installation(join(import.meta.dirname, "../manifests"), images);
  const objects = parseManifest(text, "hakn.yaml");
  const places = (kind: string) => objects.flatMap((object, index) => (object.kind === kind ? [index] : []));

  test("names every image by its reference", () => {
    assert.doesNotMatch(text, /hakn:\/\//);
    for (const image of Object.values(images)) assert.equal(text.split(image).length, 2, image);
  });

  test("defines kinds and namespaces first, and puts webhooks last", () => {
    const definitions = [...places("CustomResourceDefinition"), ...places("Namespace")];
    assert.equal(Math.max(...definitions), definitions.length - 1);
    const webhooks = [...places("MutatingWebhookConfiguration"), ...places("ValidatingWebhookConfiguration")];
    assert.equal(Math.min(...webhooks), objects.length - webhooks.length);
    assert.ok(Math.max(...places("StatefulSet")) > Math.max(...places("ConfigMap"), ...places("ServiceAccount")));
  });

  test("can be applied again without taking from Secrets and roles what was filled in", () => {
    for (const object of objects as (KubeObject & Record<string, unknown>)[]) {
      const { kind, data, stringData, aggregationRule, rules } = object;
      if (kind === "Secret") assert.deepEqual([data, stringData], [undefined, undefined], object.metadata.name);
      if (aggregationRule) assert.equal(rules, undefined, object.metadata.name);
    }
  });

  test("has ports of different names in a pod", () => {
    const [at = -1] = places("StatefulSet");
    const pod = objects[at] as unknown as {
      spec: { template: { spec: { containers: { ports: { name: string }[] }[] } } };
    };
    const names = pod.spec.template.spec.containers.flatMap(({ ports }) => ports.map(({ name }) => name));
    assert.deepEqual(names, [...new Set(names)]);
  });
});
