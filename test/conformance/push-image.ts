import { createHash } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { pushImage } from "../../src/cluster/registry/push.ts";
import { workDirectory } from "./go-build.ts";

/** Pushes a program as the image that the tests expect: /ko-app/NAME, run by user 65532, with a /tmp and a home. */
export async function pushProgram(program: string, registry: string, repository: string, name: string): Promise<void> {
  const archive = pack();
  for (const [directory, mode] of [
    ["tmp/", 0o1777],
    ["home/", 0o755],
    ["home/nonroot/", 0o700],
    ["ko-app/", 0o755],
  ] as const) {
    archive.entry({ name: directory, type: "directory", mode, mtime: new Date(0) });
  }
  archive.entry({ name: `ko-app/${name}`, mode: 0o755, mtime: new Date(0) }, await readFile(program));
  archive.finalize();
  const layer = await buffer(archive);
  const digest = `sha256:${createHash("sha256").update(layer).digest("hex")}`;
  const path = join(workDirectory, `${repository}-${name}.tar`);
  await writeFile(path, layer);
  const config = {
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: {
      User: "65532",
      WorkingDir: "/home/nonroot",
      Entrypoint: [`/ko-app/${name}`],
      Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/ko-app"],
    },
    rootfs: { type: "layers", diff_ids: [digest] },
  };
  await pushImage({
    registry: registry.replace("localhost", "127.0.0.1"),
    repository: `${repository}/${name}`,
    tag: "latest",
    config: Buffer.from(JSON.stringify(config)),
    layer: { path, digest, size: layer.length },
  });
  await rm(path);
}
