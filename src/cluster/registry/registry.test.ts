import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { silentLogger } from "../../lib/log.ts";
import { parseIgnoreFile } from "./ignore.ts";
import { parseImageReference } from "./reference.ts";
import { type RegistryServer, startRegistry } from "./server.ts";
import { snapshotDirectory } from "./snapshot.ts";
import { findStartCommand, NoStartCommandError } from "./start-command.ts";
import { openImageStore } from "./store.ts";

describe("the image registry", () => {
  let work: string;
  let registry: RegistryServer;
  const url = (path: string) => `http://${registry.host}/v2/${path}`;
  const sha = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;
  const errorCode = async (response: Response) =>
    ((await response.json()) as { errors: { code: string }[] }).errors[0]!.code;

  before(async () => {
    work = mkdtempSync(join(tmpdir(), "hakn-registry-"));
    const store = await openImageStore(join(work, "store"));
    registry = await startRegistry({ store, address: "127.0.0.1", port: 0, log: silentLogger });
  });
  after(async () => {
    await registry.close();
    rmSync(work, { recursive: true });
  });

  const app = (name: string, files: Record<string, string>) => {
    const directory = join(work, name);
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(directory, path, ".."), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    return directory;
  };

  it("gives the same digest to the same contents, whatever the times, and another to other contents", async () => {
    const push = (directory: string) =>
      snapshotDirectory(directory, { registry: registry.host, repository: "apps/one" });
    const one = app("one", { "server.js": "1", "lib/a.js": "2", ".git/HEAD": "x" });
    symlinkSync("server.js", join(one, "link.js"));
    const two = app("two", { "lib/a.js": "2", "server.js": "1", ".git/HEAD": "y" });
    symlinkSync("server.js", join(two, "link.js"));
    utimesSync(join(two, "server.js"), 1, 1);
    const digest = await push(one);
    assert.equal(await push(two), digest);
    chmodSync(join(two, "server.js"), 0o755);
    assert.notEqual(await push(two), digest);
  });

  it("serves what was pushed by tag and digest, with the headers that clients resolve digests by", async () => {
    const directory = app("pull", { "index.ts": "console.log(1)" });
    const digest = await snapshotDirectory(directory, { registry: registry.host, repository: "pull", tag: "v1" });
    const head = await fetch(url("pull/manifests/v1"), { method: "HEAD" });
    assert.equal(head.headers.get("docker-content-digest"), digest);
    assert.equal(head.headers.get("content-type"), "application/vnd.oci.image.manifest.v1+json");
    const text = await (await fetch(url(`pull/manifests/${digest}`))).text();
    assert.equal(sha(text), digest);
    assert.equal(head.headers.get("content-length"), String(text.length));
    const { config, layers } = JSON.parse(text);
    const image = (await (await fetch(url(`pull/blobs/${config.digest}`))).json()) as { config: object };
    assert.deepEqual(image.config, { Entrypoint: ["node", "index.ts"], WorkingDir: "/app", Env: [] });
    const part = await fetch(url(`pull/blobs/${layers[0].digest}`), { headers: { Range: "bytes=0-3" } });
    assert.equal(part.status, 206);
    assert.equal(await part.text(), "app/");
    assert.deepEqual(await (await fetch(url("pull/tags/list"))).json(), { name: "pull", tags: ["v1"] });
  });

  it("takes uploads in chunks, in order only", async () => {
    const start = await fetch(url("chunks/blobs/uploads/"), { method: "POST" });
    assert.equal(start.status, 202);
    const location = new URL(start.headers.get("location")!, url(""));
    const patch = (body: string, range: string) =>
      fetch(location, { method: "PATCH", body, headers: { "Content-Range": range } });
    assert.equal((await patch("hello ", "0-5")).headers.get("range"), "0-5");
    assert.equal((await patch("oops", "2-5")).status, 416);
    assert.equal((await patch("world", "6-10")).headers.get("range"), "0-10");
    const done = await fetch(`${location}?digest=${sha("hello world")}`, { method: "PUT" });
    assert.equal(done.status, 201);
    assert.equal(await (await fetch(url(`chunks/blobs/${sha("hello world")}`))).text(), "hello world");
  });

  const refusals: [name: string, path: string, init: RequestInit, status: number, code: string][] = [
    ["an unknown manifest", "pull/manifests/nope", {}, 404, "MANIFEST_UNKNOWN"],
    ["an unknown blob", `pull/blobs/${sha("nope")}`, {}, 404, "BLOB_UNKNOWN"],
    ["an unknown repository", "nope/tags/list", {}, 404, "NAME_UNKNOWN"],
    ["an invalid name", "UPPER/tags/list", {}, 400, "NAME_INVALID"],
    ["an invalid digest", "pull/blobs/sha256:12", {}, 400, "DIGEST_INVALID"],
    [
      "contents of another digest",
      `x/blobs/uploads/?digest=${sha("a")}`,
      { method: "POST", body: "b" },
      400,
      "DIGEST_INVALID",
    ],
    [
      "an unknown upload",
      "x/blobs/uploads/00000000-0000-0000-0000-000000000000",
      { method: "PUT" },
      404,
      "BLOB_UPLOAD_UNKNOWN",
    ],
    ["a manifest that is no JSON", "x/manifests/v1", { method: "PUT", body: "{" }, 400, "MANIFEST_INVALID"],
    [
      "a manifest whose layers were not pushed",
      "x/manifests/v1",
      { method: "PUT", body: JSON.stringify({ layers: [{ digest: sha("nope") }] }) },
      404,
      "MANIFEST_BLOB_UNKNOWN",
    ],
  ];
  for (const [name, path, init, status, code] of refusals) {
    it(`refuses ${name}`, async () => {
      const response = await fetch(url(path), init);
      assert.equal(response.status, status);
      assert.equal(await errorCode(response), code);
    });
  }

  const starts: [name: string, files: Record<string, string>, command: string[] | undefined][] = [
    [
      "the start script",
      { "package.json": '{"scripts":{"start":"node  app.js --x"},"main":"m.js"}' },
      ["node", "app.js", "--x"],
    ],
    [
      "a start script that needs a shell",
      { "package.json": '{"scripts":{"start":"tsx \\"a b\\""}}' },
      ["/bin/sh", "-c", 'exec tsx "a b"'],
    ],
    ["package.json's main", { "package.json": '{"main":"m.js"}' }, ["node", "m.js"]],
    ["a file with a usual name", { "index.mjs": "" }, ["node", "index.mjs"]],
    [
      "the Procfile",
      { Procfile: "release: x\nweb: ./server --port 1\n", "server.js": "" },
      ["./server", "--port", "1"],
    ],
    ["nothing", { "readme.md": "" }, undefined],
  ];
  for (const [index, [name, files, command]] of starts.entries()) {
    it(`finds how to start a program by ${name}`, () => {
      const directory = app(`start-${index}`, files);
      if (command) assert.deepEqual(findStartCommand(directory), command);
      else assert.throws(() => findStartCommand(directory), NoStartCommandError);
    });
  }

  it("tells of a directory that is not there", () => {
    assert.throws(() => findStartCommand("/nowhere/at-all"), /\/nowhere\/at-all is not a directory: give the one/);
  });

  const ignores: [pattern: string, path: string, ignored: boolean][] = [
    ["*.log", "a.log", true],
    ["*.log", "logs/a.log", false],
    ["**/*.log", "logs/deep/a.log", true],
    ["dist/", "dist/a.js", true],
    ["dist\n!dist/keep.js", "dist/keep.js", false],
    ["/secret", "secret", true],
    ["# comment", "# comment", false],
    ["a?c", "abc", true],
    ["[ab].txt", "b.txt", true],
  ];
  for (const [pattern, path, ignored] of ignores) {
    it(`${ignored ? "leaves out" : "keeps"} ${path} given ${JSON.stringify(pattern)}`, () => {
      assert.equal(parseIgnoreFile(pattern)(path), ignored);
    });
  }

  const references: [text: string, host: string | undefined, rest?: object][] = [
    ["127.0.0.1:5000/apps/hello", "127.0.0.1:5000", { repository: "apps/hello", tag: "latest", digest: undefined }],
    [`localhost/x:v1@${sha("a")}`, "localhost", { repository: "x", tag: "v1", digest: sha("a") }],
    ["hello", "", { repository: "hello", tag: "latest", digest: undefined }],
    ["Hello World", undefined],
    ["hello@sha256:12", undefined],
  ];
  for (const [text, host, rest] of references) {
    it(`reads the reference ${text}`, () => {
      assert.deepEqual(parseImageReference(text), host === undefined ? undefined : { host, ...rest });
    });
  }
});
