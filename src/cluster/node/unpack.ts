import { createWriteStream } from "node:fs";
import { chmod, link, mkdir, realpath, rm, symlink } from "node:fs/promises";
import { basename, dirname, join, normalize, relative } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";

const whiteout = ".wh.";

/** Unpacks one layer over what earlier layers left in `root`. Throws for entries that would end up outside of it. */
export async function unpackLayer(body: Readable, gzipped: boolean, root: string): Promise<void> {
  const inside = await realpath(root);
  const archive = extract();
  const fed = gzipped ? pipeline(body, createGunzip(), archive) : pipeline(body, archive);
  const unpacked = (async () => {
    for await (const entry of archive) {
      const { name, type = "file", linkname, mode = 0o644 } = entry.header;
      const path = join(root, within(name));
      await mkdir(dirname(path), { recursive: true });
      if (relative(inside, await realpath(dirname(path))).startsWith("..")) throw outside(name);
      if (basename(path).startsWith(whiteout)) {
        await removeWhitedOut(path);
        entry.resume();
      } else if (type === "directory") {
        await mkdir(path, { recursive: true });
        entry.resume();
      } else if (type === "symlink") {
        await rm(path, { recursive: true, force: true });
        // What is absolute is so in the image.
        await symlink(linkname!.startsWith("/") ? join(inside, within(linkname!)) : linkname!, path);
        entry.resume();
      } else if (type === "link") {
        await rm(path, { recursive: true, force: true });
        await link(join(root, within(linkname!)), path);
        entry.resume();
      } else if (type === "file") {
        await rm(path, { recursive: true, force: true });
        await pipeline(entry, createWriteStream(path));
        await chmod(path, mode & 0o555);
      } else entry.resume();
    }
  })();
  await Promise.all([fed, unpacked]);
}

async function removeWhitedOut(path: string): Promise<void> {
  const name = basename(path).slice(whiteout.length);
  if (name === ".wh..opq") {
    await rm(dirname(path), { recursive: true, force: true });
    await mkdir(dirname(path), { recursive: true });
  } else await rm(join(dirname(path), name), { recursive: true, force: true });
}

function within(name: string): string {
  const path = normalize(`/${name}`).slice(1);
  if (name.split("/").includes("..")) throw outside(name);
  return path;
}

function outside(name: string): Error {
  return new Error(`the image has an entry outside of its root: ${name}`);
}
