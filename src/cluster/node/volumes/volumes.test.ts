import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Pod } from "../../../apis/core/pod.ts";
import type { Volume } from "../../../apis/core/pod-spec.ts";
import { fakeClient } from "../../../testing/fake-client.ts";
import { fakeClock } from "../../../testing/fake-clock.ts";
import { type Files, writeAtomically } from "./atomic-writer.ts";
import { VolumeError, volumeFiles } from "./content.ts";
import { makeVolumes, mountVolumes } from "./mount.ts";
import { createTokenSource } from "./token.ts";

const files = (entries: Record<string, string>): Files =>
  new Map(Object.entries(entries).map(([path, text]) => [path, { content: Buffer.from(text), mode: 0o644 }]));

describe("volumes", () => {
  let work: string;
  before(() => {
    work = mkdtempSync(join(tmpdir(), "hakn-volumes-"));
  });
  after(() => rmSync(work, { recursive: true }));

  it("made of objects change all at once, and only when something changed", async () => {
    const directory = join(work, "atomic");
    assert.equal(await writeAtomically(directory, files({ a: "1", "sub/b": "2" })), true);
    const first = readlinkSync(join(directory, "..data"));
    assert.equal(readFileSync(join(directory, "sub/b"), "utf8"), "2");
    assert.equal(await writeAtomically(directory, files({ a: "1", "sub/b": "2" })), false);
    assert.equal(readlinkSync(join(directory, "..data")), first);
    assert.equal(await writeAtomically(directory, files({ a: "changed", c: "3" })), true);
    assert.deepEqual(
      readdirSync(directory)
        .filter((name) => !name.startsWith(".."))
        .sort(),
      ["a", "c"],
    );
    assert.equal(readFileSync(join(directory, "a"), "utf8"), "changed");
    assert.deepEqual(readdirSync(directory).filter((name) => /^\.\.[0-9a-f-]{36}$/.test(name)).length, 1);
  });

  const pod: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "ns", uid: "u", labels: { app: "x" } },
    spec: { containers: [{ name: "c", resources: { limits: { cpu: "2" } } }] },
  };
  const client = fakeClient([
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "map", namespace: "ns" },
      data: { a: "1", b: "2" },
      binaryData: { c: "AAE=" },
    } as never,
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "secret", namespace: "ns" },
      data: { key: "aHVzaA==" },
    } as never,
  ]);
  const sources = {
    client,
    place: { podIP: "127.1.0.2", hostIP: "127.1.0.1", allocatable: {} },
    tokens: { token: async () => "a-token", forget() {} },
    signal: new AbortController().signal,
  };
  const contentOf = async (volume: Volume) =>
    Object.fromEntries(
      [...(await volumeFiles(volume, pod, sources))].map(([path, { content, mode }]) => [
        path,
        `${content.toString("latin1")} ${mode.toString(8)}`,
      ]),
    );

  const rows: [name: string, volume: Omit<Volume, "name">, want: Record<string, string>][] = [
    ["a ConfigMap's keys", { configMap: { name: "map" } }, { a: "1 644", b: "2 644", c: "\0\x01 644" }],
    [
      "chosen keys at other paths and modes",
      {
        configMap: {
          name: "map",
          defaultMode: 0o400,
          items: [
            { key: "a", path: "x/y" },
            { key: "b", path: "z", mode: 0o600 },
          ],
        },
      },
      { "x/y": "1 400", z: "2 600" },
    ],
    ["a Secret's keys", { secret: { secretName: "secret" } }, { key: "hush 644" }],
    ["nothing of what may be missing", { secret: { secretName: "none", optional: true } }, {}],
    [
      "fields of the pod",
      {
        downwardAPI: {
          items: [
            { path: "labels", fieldRef: { fieldPath: "metadata.labels" } },
            { path: "cpu", resourceFieldRef: { containerName: "c", resource: "limits.cpu" } },
          ],
        },
      },
      { labels: 'app="x" 644', cpu: "2 644" },
    ],
    [
      "several sources in one directory",
      {
        projected: {
          defaultMode: 0o600,
          sources: [
            { serviceAccountToken: { path: "token" } },
            { configMap: { name: "map", items: [{ key: "a", path: "ca.crt" }] } },
          ],
        },
      },
      { token: "a-token 600", "ca.crt": "1 600" },
    ],
  ];
  for (const [name, volume, want] of rows) {
    it(`hold ${name}`, async () => assert.deepEqual(await contentOf({ name: "v", ...volume }), want));
  }

  const refusals: [volume: Omit<Volume, "name">, message: RegExp][] = [
    [{ configMap: { name: "none" } }, /^configmap "none" not found$/],
    [
      { secret: { secretName: "secret", items: [{ key: "no", path: "x" }] } },
      /^references non-existent secret key: no$/,
    ],
  ];
  for (const [volume, message] of refusals) {
    it(`wait, and say ${message.source}`, () =>
      assert.rejects(
        contentOf({ name: "v", ...volume }),
        (error: Error) => error instanceof VolumeError && message.test(error.message),
      ));
  }

  it("appear at their mount paths; a sub-path of an object's keeps its contents, one of a directory is shared", async () => {
    const mounting: Pod = {
      ...pod,
      spec: {
        containers: [
          {
            name: "c",
            volumeMounts: [
              { name: "map", mountPath: "/etc/map" },
              { name: "map", mountPath: "/etc/one", subPath: "a" },
              { name: "scratch", mountPath: "/data", subPathExpr: "$(NAME)" },
            ],
          },
        ],
        volumes: [
          { name: "map", configMap: { name: "map" } },
          { name: "scratch", emptyDir: {} },
        ],
      },
    };
    const root = join(work, "root");
    mkdirSync(root);
    const paths = await makeVolumes(mounting, join(work, "pod"), join(work, "claims"), sources);
    await mountVolumes(mounting, mounting.spec.containers[0]!, paths, root, { NAME: "mine" });
    assert.equal(readFileSync(join(root, "etc/map/b"), "utf8"), "2");
    assert.ok(statSync(join(root, "etc/one")).isFile());
    writeFileSync(join(root, "data/x"), "kept");
    assert.equal(readFileSync(join(work, "pod/scratch/mine/x"), "utf8"), "kept");
    await writeAtomically(paths.get("map")!, files({ a: "new" }));
    assert.equal(readFileSync(join(root, "etc/map/a"), "utf8"), "new");
    assert.equal(readFileSync(join(root, "etc/one"), "utf8"), "1");
  });

  it("refuse sub-paths that lead out of them", async () => {
    const escaping: Pod = { ...pod, spec: { containers: [], volumes: [{ name: "scratch", emptyDir: {} }] } };
    const container = { name: "c", volumeMounts: [{ name: "scratch", mountPath: "/d", subPath: "../.." }] };
    await assert.rejects(
      mountVolumes(escaping, container, new Map([["scratch", work]]), join(work, "root2"), {}),
      VolumeError,
    );
  });

  it("get a new token when most of the old one's life has passed", async () => {
    const clock = fakeClock();
    let asked = 0;
    const issuing = {
      ...client,
      raw: async (_method: string, _path: string, body: unknown) => {
        asked += 1;
        const { expirationSeconds } = (body as { spec: { expirationSeconds: number } }).spec;
        return {
          status: {
            token: `token-${asked}`,
            expirationTimestamp: new Date(clock.now() + expirationSeconds * 1000).toISOString(),
          },
        };
      },
    };
    const tokens = createTokenSource(issuing, clock);
    const { signal } = sources;
    assert.equal(await tokens.token(pod, { expirationSeconds: 1000 }, signal), "token-1");
    await clock.advance(799_000);
    assert.equal(await tokens.token(pod, { expirationSeconds: 1000 }, signal), "token-1");
    await clock.advance(2000);
    assert.equal(await tokens.token(pod, { expirationSeconds: 1000 }, signal), "token-2");
    assert.equal(await tokens.token(pod, { expirationSeconds: 1000, audience: "else" }, signal), "token-3");
  });
});
