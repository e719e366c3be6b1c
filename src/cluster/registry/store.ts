import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream, mkdirSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Images on disk, found by the SHA-256 of their contents. Writes are atomic: a crash leaves nothing half-done behind. */
export interface ImageStore {
  blobSize(digest: string): Promise<number | undefined>;
  openBlob(digest: string, range?: { readonly start: number; readonly end: number }): Readable;
  /** Starts an upload and returns its id. */
  startUpload(): Promise<string>;
  /** Undefined when there is no such upload. */
  uploadSize(id: string): Promise<number | undefined>;
  appendUpload(id: string, data: Readable): Promise<number>;
  /** Makes the upload a blob; false, and the upload is dropped, when its contents have another digest. */
  finishUpload(id: string, digest: string): Promise<boolean>;
  cancelUpload(id: string): Promise<void>;
  /** `reference` is a tag or a digest. */
  manifest(repository: string, reference: string): Promise<StoredManifest | undefined>;
  putManifest(repository: string, reference: string, mediaType: string, body: Buffer): Promise<string>;
  deleteManifest(repository: string, reference: string): Promise<boolean>;
  /** Sorted; undefined when nothing was ever pushed there. */
  tags(repository: string): Promise<string[] | undefined>;
  repositories(): Promise<string[]>;
}

export interface StoredManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly body: Buffer;
}

/** Opens the store in `directory`, which is made if missing. Uploads of an earlier run are dropped. */
export async function openImageStore(directory: string): Promise<ImageStore> {
  const uploads = join(directory, "uploads");
  await rm(uploads, { recursive: true, force: true });
  for (const part of ["blobs", "uploads", "repositories"]) mkdirSync(join(directory, part), { recursive: true });
  const blobPath = (digest: string) => join(directory, "blobs", digest.slice("sha256:".length));
  const uploadPath = (id: string) => join(uploads, id);
  // A path separator cannot be part of a name's component, so ":" keeps nested repositories apart from their parts.
  const repositoryPath = (repository: string) => join(directory, "repositories", repository.replaceAll("/", ":"));
  const linkPath = (repository: string, reference: string) =>
    reference.startsWith("sha256:")
      ? join(repositoryPath(repository), "manifests", reference.slice("sha256:".length))
      : join(repositoryPath(repository), "tags", reference);

  const sizeOf = async (path: string) => (await stat(path).catch(ifMissing))?.size;
  const writeAtomically = async (path: string, body: Buffer | string) => {
    await mkdir(dirname(path), { recursive: true });
    const temporary = uploadPath(randomUUID());
    await writeFile(temporary, body, { flush: true });
    await rename(temporary, path);
  };

  return {
    blobSize: (digest) => sizeOf(blobPath(digest)),
    openBlob: (digest, range) => createReadStream(blobPath(digest), range),
    async startUpload() {
      const id = randomUUID();
      await writeFile(uploadPath(id), "");
      return id;
    },
    uploadSize: (id) => sizeOf(uploadPath(id)),
    async appendUpload(id, data) {
      await pipeline(data, createWriteStream(uploadPath(id), { flags: "a", flush: true }));
      return (await sizeOf(uploadPath(id)))!;
    },
    async finishUpload(id, digest) {
      const hash = createHash("sha256");
      await pipeline(createReadStream(uploadPath(id)), hash);
      if (`sha256:${hash.digest("hex")}` !== digest) {
        await rm(uploadPath(id), { force: true });
        return false;
      }
      await rename(uploadPath(id), blobPath(digest));
      return true;
    },
    cancelUpload: (id) => rm(uploadPath(id), { force: true }),
    async manifest(repository, reference) {
      const link = await readFile(linkPath(repository, reference), "utf8").catch(ifMissing);
      if (link === undefined) return undefined;
      const { digest, mediaType } = JSON.parse(link) as { digest: string; mediaType: string };
      const body = await readFile(blobPath(digest)).catch(ifMissing);
      return body && { digest, mediaType, body };
    },
    async putManifest(repository, reference, mediaType, body) {
      const digest = `sha256:${createHash("sha256").update(body).digest("hex")}`;
      const link = JSON.stringify({ digest, mediaType });
      await writeAtomically(blobPath(digest), body);
      await writeAtomically(linkPath(repository, digest), link);
      if (reference !== digest) await writeAtomically(linkPath(repository, reference), link);
      return digest;
    },
    async deleteManifest(repository, reference) {
      const path = linkPath(repository, reference);
      if ((await sizeOf(path)) === undefined) return false;
      await rm(path);
      return true;
    },
    async tags(repository) {
      if (!(await stat(repositoryPath(repository)).catch(ifMissing))) return undefined;
      return ((await readdir(join(repositoryPath(repository), "tags")).catch(ifMissing)) ?? []).sort();
    },
    async repositories() {
      const names = await readdir(join(directory, "repositories"));
      return names.map((name) => name.replaceAll(":", "/")).sort();
    },
  };
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
}
