import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, readdir, readFile, readlink, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Header, pack } from "tar-stream";
import { parseIgnoreFile } from "./ignore.ts";
import { pushImage } from "./push.ts";
import { findStartCommand } from "./start-command.ts";

export interface SnapshotOptions {
  /** "host:port" of the registry to push to. */
  readonly registry: string;
  readonly repository: string;
  /** "latest" unless told. */
  readonly tag?: string;
  /** How the program is started; found out by the files unless told. */
  readonly command?: readonly string[];
  /** Environment variables of the image. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The directory of the image in which the snapshot lies. */
const imageDirectory = "/app";

/**
 * Packs a directory into an image and pushes it. Resolves with the image's digest: the same contents and command give
 * the same digest on every machine, whatever the files' times and owners.
 */
export async function snapshotDirectory(directory: string, options: SnapshotOptions): Promise<string> {
  const entrypoint = options.command ?? findStartCommand(directory);
  const work = await mkdtemp(join(tmpdir(), "hakn-snapshot-"));
  try {
    const layerPath = join(work, "layer.tar");
    const layer = await packLayer(directory, layerPath);
    const config = Buffer.from(
      JSON.stringify({
        architecture: process.arch === "x64" ? "amd64" : process.arch,
        os: "linux",
        config: {
          Entrypoint: entrypoint,
          WorkingDir: imageDirectory,
          Env: Object.entries(options.env ?? {})
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, value]) => `${name}=${value}`),
        },
        rootfs: { type: "layers", diff_ids: [layer.digest] },
      }),
    );
    const { registry, repository, tag = "latest" } = options;
    return await pushImage({ registry, repository, tag, config, layer: { ...layer, path: layerPath } });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

interface Layer {
  readonly digest: string;
  readonly size: number;
}

async function packLayer(directory: string, target: string): Promise<Layer> {
  const ignoreFile = await readFile(join(directory, ".dockerignore"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw new Error(`${directory}: cannot be read: ${error.message}`, { cause: error });
  });
  const ignored = parseIgnoreFile(ignoreFile);
  const archive = pack();
  const hash = createHash("sha256");
  let size = 0;
  const counted = new PassThrough();
  counted.on("data", (chunk: Buffer) => {
    hash.update(chunk);
    size += chunk.length;
  });
  const written = pipeline(archive, counted, createWriteStream(target));
  const packed = addDirectory(archive, directory, "", ignored).then(() => archive.finalize());
  packed.catch((error) => archive.destroy(error as Error));
  await Promise.all([packed, written]);
  return { digest: `sha256:${hash.digest("hex")}`, size };
}

const neverPacked = new Set([".git", ".DS_Store"]);

async function addDirectory(
  archive: ReturnType<typeof pack>,
  root: string,
  path: string,
  ignored: (path: string) => boolean,
): Promise<void> {
  await addEntry(archive, { name: entryName(path), type: "directory", mode: 0o755 });
  const entries = await readdir(join(root, path), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const child = path === "" ? entry.name : `${path}/${entry.name}`;
    if (neverPacked.has(entry.name)) continue;
    const left = ignored(child);
    if (entry.isDirectory()) {
      // An excluded directory may hold what a later line takes back.
      if (!left || (await hasKept(root, child, ignored))) await addDirectory(archive, root, child, ignored);
    } else if (left) continue;
    else if (entry.isSymbolicLink()) {
      const linkname = await readlink(join(root, child));
      await addEntry(archive, { name: entryName(child), type: "symlink", mode: 0o777, linkname });
    } else if (entry.isFile()) await addFile(archive, root, child);
  }
}

async function hasKept(root: string, path: string, ignored: (path: string) => boolean): Promise<boolean> {
  if (!ignored(path)) return true;
  const entries = await readdir(join(root, path), { withFileTypes: true });
  for (const entry of entries) {
    const child = `${path}/${entry.name}`;
    if (entry.isDirectory() ? await hasKept(root, child, ignored) : !ignored(child)) return true;
  }
  return false;
}

async function addFile(archive: ReturnType<typeof pack>, root: string, path: string): Promise<void> {
  const { size, mode } = await stat(join(root, path));
  const header: Partial<Header> & { name: string } = {
    ...neutral,
    name: entryName(path),
    size,
    mode: mode & 0o111 ? 0o755 : 0o644,
  };
  const entry = archive.entry(header);
  await pipeline(createReadStream(join(root, path), size > 0 ? { end: size - 1 } : {}), entry);
}

function addEntry(archive: ReturnType<typeof pack>, header: Partial<Header> & { name: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry({ ...neutral, ...header }, (error) => (error ? reject(error) : resolve()));
  });
}

/** What does not belong to the contents is the same everywhere. */
const neutral = { mtime: new Date(0), uid: 0, gid: 0, uname: "", gname: "" };

function entryName(path: string): string {
  const inside = imageDirectory.slice(1);
  return path === "" ? `${inside}/` : `${inside}/${path}`;
}
