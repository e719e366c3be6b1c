import { randomUUID } from "node:crypto";
import { chmod, lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** The files of a volume: path (relative, "/") to contents. */
export type Files = ReadonlyMap<string, { readonly content: Buffer; readonly mode: number }>;

/**
 * Makes `directory` show exactly these files, all at once: they lie in a directory of their own, `..data` leads to it,
 * and what users see leads through `..data`. Does nothing when nothing changed. Resolves with whether it did.
 * Source: k8s.io/kubernetes v1.34 pkg/volume/util AtomicWriter.
 */
export async function writeAtomically(directory: string, files: Files): Promise<boolean> {
  await mkdir(directory, { recursive: true });
  const before = await readlink(join(directory, "..data")).catch(() => undefined);
  if (before !== undefined && (await hasSameFiles(join(directory, before), files))) return false;

  const name = `..${randomUUID()}`;
  const target = join(directory, name);
  await mkdir(target);
  for (const [path, { content, mode }] of files) {
    await mkdir(dirname(join(target, path)), { recursive: true });
    await writeFile(join(target, path), content);
    await chmod(join(target, path), mode);
  }
  await symlink(name, join(directory, "..data_tmp"));
  await rename(join(directory, "..data_tmp"), join(directory, "..data"));

  const visible = new Set([...files.keys()].map((path) => path.split("/")[0]!));
  for (const entry of visible) {
    const link = join(directory, entry);
    if (!(await lstat(link).catch(() => undefined))) await symlink(join("..data", entry), link);
  }
  for (const entry of await readdir(directory)) {
    if (!entry.startsWith("..") && !visible.has(entry)) await rm(join(directory, entry), { force: true });
  }
  if (before !== undefined) await rm(join(directory, before), { recursive: true, force: true });
  return true;
}

async function hasSameFiles(directory: string, files: Files): Promise<boolean> {
  const present = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  if (present.filter((entry) => entry.isFile()).length !== files.size) return false;
  for (const [path, { content, mode }] of files) {
    const found = await readFile(join(directory, path)).catch(() => undefined);
    if (!found?.equals(content)) return false;
    if (((await lstat(join(directory, path))).mode & 0o777) !== (mode & 0o777)) return false;
  }
  return true;
}
