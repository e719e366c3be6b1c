import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import type { Logger } from "../../lib/log.ts";
import { isDigest, isRepositoryName, isTag } from "./reference.ts";
import type { ImageStore } from "./store.ts";

export interface RegistryServer {
  /** "address:port": what image references begin with. */
  readonly host: string;
  readonly port: number;
  /** Ends all connections and resolves once the server is closed. */
  close(): Promise<void>;
}

export interface RegistryConfig {
  readonly store: ImageStore;
  readonly address: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly log: Logger;
}

/** Serves the store by the OCI distribution API v2 (pull and push, no authentication). */
export async function startRegistry({ store, address, port, log }: RegistryConfig): Promise<RegistryServer> {
  const server = createServer((request, response) => {
    response.setHeader("Docker-Distribution-API-Version", "registry/2.0");
    handle(store, request, response).catch((error) => {
      if (error instanceof RegistryError && !response.headersSent) return sendError(response, error);
      if (request.destroyed) return;
      log.error("a request to the image registry failed", { error, method: request.method, url: request.url });
      if (response.headersSent) response.destroy();
      else sendError(response, new RegistryError(500, "UNKNOWN", (error as Error).message));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    host: `${address}:${bound}`,
    port: bound,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A failure as the specification words it. */
class RegistryError extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: unknown;
  constructor(status: number, code: string, message: string, detail?: unknown) {
    super(message);
    this.status = status;
    this.code = code;
    this.detail = detail;
  }
}

function sendError(response: ServerResponse, { status, code, message, detail }: RegistryError): void {
  send(response, status, { errors: [{ code, message, ...(detail !== undefined && { detail }) }] });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}

const notAllowed = () => new RegistryError(405, "UNSUPPORTED", "The operation is unsupported.");

async function handle(store: ImageStore, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://registry");
  const method = request.method ?? "GET";
  if (url.pathname === "/v2" || url.pathname === "/v2/") return send(response, 200, {});
  if (url.pathname === "/v2/_catalog") return send(response, 200, { repositories: await store.repositories() });
  const match = /^\/v2\/(.+)\/(manifests|blobs|tags)\/(.*)$/.exec(url.pathname);
  if (!match) throw new RegistryError(404, "UNSUPPORTED", `no such endpoint: ${url.pathname}`);
  let [, name, area, rest] = match as unknown as [string, string, string, string];
  // "x/blobs/uploads/y": the greedy match may have split at a repository called "blobs".
  if (area === "blobs" && name.endsWith("/blobs")) [name, rest] = [name.slice(0, -"/blobs".length), `uploads/${rest}`];
  if (!isRepositoryName(name)) throw new RegistryError(400, "NAME_INVALID", "invalid repository name", { name });
  if (area === "tags") return listTags(store, name, url, response);
  if (area === "manifests") return serveManifest(store, name, decodeURIComponent(rest), method, request, response);
  if (rest === "uploads" || rest.startsWith("uploads/")) {
    return serveUpload(store, name, rest.slice("uploads/".length), url, request, response);
  }
  return serveBlob(store, rest, method, request, response);
}

async function listTags(store: ImageStore, name: string, url: URL, response: ServerResponse): Promise<void> {
  const all = await store.tags(name);
  if (!all) throw new RegistryError(404, "NAME_UNKNOWN", "repository name not known to registry", { name });
  const last = url.searchParams.get("last");
  const after = last === null ? all : all.filter((tag) => tag > last);
  const limit = Number(url.searchParams.get("n") ?? after.length);
  const page = after.slice(0, limit);
  if (page.length < after.length && page.length > 0) {
    response.setHeader("Link", `</v2/${name}/tags/list?n=${limit}&last=${page.at(-1)}>; rel="next"`);
  }
  send(response, 200, { name, tags: page });
}

const maxManifestBytes = 4 * 1024 * 1024;

async function serveManifest(
  store: ImageStore,
  name: string,
  reference: string,
  method: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const byDigest = reference.includes(":");
  if (byDigest ? !isDigest(reference) : !isTag(reference)) {
    throw new RegistryError(400, byDigest ? "DIGEST_INVALID" : "MANIFEST_INVALID", "invalid tag or digest", {
      reference,
    });
  }
  const unknown = () => new RegistryError(404, "MANIFEST_UNKNOWN", "manifest unknown", { name, reference });
  if (method === "GET" || method === "HEAD") {
    const manifest = await store.manifest(name, reference);
    if (!manifest) throw unknown();
    response.writeHead(200, {
      "Content-Type": manifest.mediaType,
      "Content-Length": manifest.body.length,
      "Docker-Content-Digest": manifest.digest,
      ETag: `"${manifest.digest}"`,
    });
    response.end(method === "HEAD" ? undefined : manifest.body);
  } else if (method === "PUT") {
    const body = await readBody(request, maxManifestBytes);
    const mediaType = await checkManifest(store, body, request.headers["content-type"]);
    const digest = await store.putManifest(name, reference, mediaType, body);
    if (byDigest && digest !== reference) {
      await store.deleteManifest(name, reference);
      throw new RegistryError(400, "DIGEST_INVALID", "provided digest did not match uploaded content", { digest });
    }
    response.writeHead(201, {
      Location: `/v2/${name}/manifests/${digest}`,
      "Docker-Content-Digest": digest,
      "Content-Length": 0,
    });
    response.end();
  } else if (method === "DELETE") {
    if (!(await store.deleteManifest(name, reference))) throw unknown();
    response.writeHead(202, { "Content-Length": 0 }).end();
  } else throw notAllowed();
}

/** The manifest's media type. Throws when it is no manifest or names contents that were not pushed. */
async function checkManifest(store: ImageStore, body: Buffer, contentType: string | undefined): Promise<string> {
  let manifest: {
    mediaType?: string;
    config?: { digest: string };
    layers?: { digest: string }[];
    manifests?: { digest: string }[];
  };
  try {
    manifest = JSON.parse(body.toString()) as typeof manifest;
  } catch (error) {
    throw new RegistryError(400, "MANIFEST_INVALID", `manifest invalid: ${(error as Error).message}`);
  }
  const parts = [
    ...(manifest.config ? [manifest.config] : []),
    ...(manifest.layers ?? []),
    ...(manifest.manifests ?? []),
  ];
  for (const { digest } of parts) {
    if (!isDigest(digest) || (await store.blobSize(digest)) === undefined) {
      throw new RegistryError(404, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", { digest });
    }
  }
  return contentType ?? manifest.mediaType ?? "application/vnd.oci.image.manifest.v1+json";
}

async function serveBlob(
  store: ImageStore,
  digest: string,
  method: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isDigest(digest)) throw new RegistryError(400, "DIGEST_INVALID", "invalid digest", { digest });
  if (method !== "GET" && method !== "HEAD") throw notAllowed();
  const size = await store.blobSize(digest);
  if (size === undefined) throw new RegistryError(404, "BLOB_UNKNOWN", "blob unknown to registry", { digest });
  const headers = {
    "Content-Type": "application/octet-stream",
    "Docker-Content-Digest": digest,
    "Accept-Ranges": "bytes",
    ETag: `"${digest}"`,
  };
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const start = range ? Number(range[1]) : 0;
  const end = range?.[2] ? Math.min(Number(range[2]), size - 1) : size - 1;
  if (range && start > end) {
    response.setHeader("Content-Range", `bytes */${size}`);
    throw new RegistryError(416, "RANGE_INVALID", "invalid content range");
  }
  response.writeHead(range ? 206 : 200, {
    ...headers,
    "Content-Length": end - start + 1,
    ...(range && { "Content-Range": `bytes ${start}-${end}/${size}` }),
  });
  if (method === "HEAD" || size === 0) response.end();
  else await pipeline(store.openBlob(digest, { start, end }), response);
}

async function serveUpload(
  store: ImageStore,
  name: string,
  id: string,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const digest = url.searchParams.get("digest");
  const created = (found: string) => {
    response.writeHead(201, {
      Location: `/v2/${name}/blobs/${found}`,
      "Docker-Content-Digest": found,
      "Content-Length": 0,
    });
    response.end();
  };
  const accepted = (status: number, upload: string, size: number) => {
    response.writeHead(status, {
      Location: `/v2/${name}/blobs/uploads/${upload}`,
      "Docker-Upload-UUID": upload,
      Range: `0-${Math.max(0, size - 1)}`,
      "Content-Length": 0,
    });
    response.end();
  };
  const finish = async (upload: string, wanted: string) => {
    if (!isDigest(wanted)) throw new RegistryError(400, "DIGEST_INVALID", "invalid digest", { digest: wanted });
    await store.appendUpload(upload, request);
    if (!(await store.finishUpload(upload, wanted))) {
      throw new RegistryError(400, "DIGEST_INVALID", "provided digest did not match uploaded content", {
        digest: wanted,
      });
    }
    created(wanted);
  };

  if (request.method === "POST" && id === "") {
    const mount = url.searchParams.get("mount");
    // Blobs are shared by all repositories, so mounting is a matter of having it.
    if (mount && isDigest(mount) && (await store.blobSize(mount)) !== undefined) return created(mount);
    const upload = await store.startUpload();
    return digest ? finish(upload, digest) : accepted(202, upload, 0);
  }
  const size = /^[0-9a-f-]{36}$/.test(id) ? await store.uploadSize(id) : undefined;
  if (size === undefined)
    throw new RegistryError(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry", { id });
  if (request.method === "GET") return accepted(204, id, size);
  if (request.method === "PATCH") {
    const range = /^(\d+)-/.exec(request.headers["content-range"] ?? "");
    if (range && Number(range[1]) !== size) {
      response.setHeader("Range", `0-${Math.max(0, size - 1)}`);
      throw new RegistryError(416, "RANGE_INVALID", "chunks must be sent in order");
    }
    return accepted(202, id, await store.appendUpload(id, request));
  }
  if (request.method === "PUT") return finish(id, digest ?? "");
  if (request.method !== "DELETE") throw notAllowed();
  await store.cancelUpload(id);
  response.writeHead(204).end();
}

async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new RegistryError(413, "MANIFEST_INVALID", `a manifest may have ${limit} bytes at most`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
