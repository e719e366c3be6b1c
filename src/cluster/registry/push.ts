import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { send, textOf } from "./request.ts";

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
  await pushBlob(base, layer.digest, () => createReadStream(layer.path), layer.size);
  await pushBlob(base, configDigest, () => config, config.length);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: configDigest, size: config.length },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: layer.digest, size: layer.size }],
  });
  const response = await send(`${base}/manifests/${tag}`, {
    method: "PUT",
    headers: { "Content-Type": manifestType },
    body: Buffer.from(manifest),
  });
  await expectStatus(response, 201, `pushing ${repository}:${tag}`);
  return digestOf(Buffer.from(manifest));
}

const manifestType = "application/vnd.oci.image.manifest.v1+json";

async function pushBlob(base: string, digest: string, body: () => Readable | Buffer, size: number): Promise<void> {
  const present = await send(`${base}/blobs/${digest}`, { method: "HEAD" });
  present.resume();
  if (present.statusCode === 200) return;
  const started = await send(`${base}/blobs/uploads/`, { method: "POST" });
  await expectStatus(started, 202, `starting the upload of ${digest}`);
  const target = new URL(started.headers.location ?? "", base);
  target.searchParams.set("digest", digest);
  const headers = { "Content-Type": "application/octet-stream", "Content-Length": size };
  const sent = await send(target, { method: "PUT", headers, body: body() });
  await expectStatus(sent, 201, `uploading ${digest}`);
}

async function expectStatus(response: IncomingMessage, status: number, what: string): Promise<void> {
  const text = await textOf(response);
  if (response.statusCode === status) return;
  throw new Error(`${what}: the registry answered ${response.statusCode}: ${text}`);
}

function digestOf(body: Buffer): string {
  return `sha256:${createHash("sha256").update(body).digest("hex")}`;
}
