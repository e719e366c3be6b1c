import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";

export interface ImageParts {
  /** "host:port". */
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  readonly config: Buffer;
  readonly layer: { readonly path: string; readonly digest: string; readonly size: number };
}

/** Pushes an image of one uncompressed layer and resolves with its digest. What the registry has is not sent again. */
export async function pushImage({ registry, repository, tag, config, layer }: ImageParts): Promise<string> {
  const base = `http://${registry}/v2/${repository}`;
  const configDigest = digestOf(config);
  await pushBlob(base, layer.digest, () => Readable.toWeb(createReadStream(layer.path)) as ReadableStream, layer.size);
  await pushBlob(base, configDigest, () => new Uint8Array(config), config.length);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: configDigest, size: config.length },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: layer.digest, size: layer.size }],
  });
  const response = await fetch(`${base}/manifests/${tag}`, {
    method: "PUT",
    headers: { "Content-Type": manifestType },
    body: manifest,
  });
  await expectStatus(response, 201, `pushing ${repository}:${tag}`);
  return digestOf(Buffer.from(manifest));
}

const manifestType = "application/vnd.oci.image.manifest.v1+json";

async function pushBlob(
  base: string,
  digest: string,
  body: () => NonNullable<RequestInit["body"]>,
  size: number,
): Promise<void> {
  const present = await fetch(`${base}/blobs/${digest}`, { method: "HEAD" });
  if (present.status === 200) return;
  const started = await fetch(`${base}/blobs/uploads/`, { method: "POST" });
  await expectStatus(started, 202, `starting the upload of ${digest}`);
  const target = new URL(started.headers.get("location")!, base);
  target.searchParams.set("digest", digest);
  const sent = await fetch(target, {
    method: "PUT",
    headers: { "Content-Type": "application/octet-stream", "Content-Length": String(size) },
    body: body(),
    duplex: "half",
  } as RequestInit);
  await expectStatus(sent, 201, `uploading ${digest}`);
}

async function expectStatus(response: Response, status: number, what: string): Promise<void> {
  const text = await response.text();
  if (response.status !== status) throw new Error(`${what}: the registry answered ${response.status}: ${text}`);
}

function digestOf(body: Buffer): string {
  return `sha256:${createHash("sha256").update(body).digest("hex")}`;
}
