import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { pack } from "tar-stream";

/** What lies at a path of the image: a file of this machine, or a text, or (with neither) a directory. */
export interface ImageEntry {
  readonly path: string;
  readonly mode: number;
  readonly file?: string;
  readonly text?: string;
}

export interface ImageContents {
  readonly tag: string;
  /** Each layer lies over the one before it; images with the same first layers share them. */
  readonly layers: readonly (readonly ImageEntry[])[];
  readonly entrypoint: readonly string[];
  /** Numeric, so that the kubelet can tell that it is not root. */
  readonly user: string;
  readonly env: readonly string[];
}

interface Blob {
  readonly digest: string;
  readonly size: number;
}

const type = (name: string) => `application/vnd.oci.image.${name}`;

/**
 * Writes an image as an OCI image layout (image-spec v1.1), in the place of what the directory held. Resolves with the
 * digest of its manifest: the same contents give the same digest, whatever the files' times and owners.
 */
export async function writeImageLayout(directory: string, image: ImageContents): Promise<string> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(join(directory, "blobs/sha256"), { recursive: true });
  const layers = [];
  for (const entries of image.layers) layers.push(await writeLayer(directory, entries));
  const { architecture, os } = platform();
  const config = writeBlob(directory, {
    architecture,
    os,
    config: { User: image.user, Env: image.env, Entrypoint: image.entrypoint, WorkingDir: "/" },
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
  });
  const manifest = writeBlob(directory, {
    schemaVersion: 2,
    mediaType: type("manifest.v1+json"),
    config: { mediaType: type("config.v1+json"), ...config },
    layers: layers.map(({ digest, size }) => ({ mediaType: type("layer.v1.tar+gzip"), digest, size })),
  });
  const annotations = { "org.opencontainers.image.ref.name": image.tag };
  writeFileSync(
    join(directory, "index.json"),
    JSON.stringify({
      schemaVersion: 2,
      manifests: [{ mediaType: type("manifest.v1+json"), ...manifest, annotations, platform: platform() }],
    }),
  );
  writeFileSync(join(directory, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  return manifest.digest;
}

function platform(): { readonly architecture: string; readonly os: string } {
  return { architecture: process.arch === "x64" ? "amd64" : process.arch, os: "linux" };
}

function writeBlob(directory: string, content: unknown): Blob {
  const body = Buffer.from(JSON.stringify(content));
  const digest = createHash("sha256").update(body).digest("hex");
  writeFileSync(join(directory, "blobs/sha256", digest), body);
  return { digest: `sha256:${digest}`, size: body.length };
}

/** `diffId` is the digest of the layer before compression. */
async function writeLayer(
  directory: string,
  entries: readonly ImageEntry[],
): Promise<Blob & { readonly diffId: string }> {
  const archive = pack();
  const written = join(directory, "blobs/sha256", "new");
  const plain = measured();
  const compressed = measured();
  const stored = pipeline(
    archive,
    plain.stream,
    createGzip({ level: 6 }),
    compressed.stream,
    createWriteStream(written),
  );
  const packed = addAll(archive, entries);
  packed.catch((error) => archive.destroy(error as Error));
  await Promise.all([packed, stored]);
  const { digest, size } = compressed.result();
  renameSync(written, join(directory, "blobs/sha256", digest.slice("sha256:".length)));
  return { digest, size, diffId: plain.result().digest };
}

async function addAll(archive: ReturnType<typeof pack>, entries: readonly ImageEntry[]): Promise<void> {
  const neutral = { mtime: new Date(0), uid: 0, gid: 0, uname: "", gname: "" };
  for (const { path, mode, file, text } of entries) {
    const name = path.replace(/^\//, "");
    if (file !== undefined) {
      await pipeline(createReadStream(file), archive.entry({ ...neutral, name, mode, size: statSync(file).size }));
    } else if (text !== undefined) archive.entry({ ...neutral, name, mode }, text);
    else archive.entry({ ...neutral, name, mode, type: "directory" });
  }
  archive.finalize();
}

function measured(): { readonly stream: PassThrough; result(): Blob } {
  const stream = new PassThrough();
  const hash = createHash("sha256");
  let size = 0;
  stream.on("data", (chunk: Buffer) => {
    hash.update(chunk);
    size += chunk.length;
  });
  return { stream, result: () => ({ digest: `sha256:${hash.digest("hex")}`, size }) };
}
