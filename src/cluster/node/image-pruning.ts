import { readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * Deletes unpacked images that no container uses, but for the `keep` that were used last: a developer's loop of edit
 * and deploy makes one after another. An image that is needed again is unpacked again. Resolves with what was deleted.
 */
export async function pruneImages(directory: string, inUse: ReadonlySet<string>, keep: number): Promise<string[]> {
  const unused: { readonly name: string; readonly usedAtMs: number }[] = [];
  for (const name of await readdir(directory)) {
    if (!/^[0-9a-f]{64}$/.test(name) || inUse.has(`sha256:${name}`)) continue;
    const marker = await stat(join(directory, name, "image.json")).catch(() => undefined);
    unused.push({ name, usedAtMs: marker?.mtimeMs ?? 0 });
  }
  const surplus = unused.sort((a, b) => b.usedAtMs - a.usedAtMs).slice(keep);
  for (const { name } of surplus) {
    // Out of the way first: a half-deleted image must never be taken for a whole one.
    const doomed = join(directory, `${name}.old`);
    await rename(join(directory, name), doomed);
    await rm(doomed, { recursive: true, force: true });
  }
  return surplus.map(({ name }) => `sha256:${name}`);
}
