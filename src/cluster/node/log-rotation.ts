import { copyFile, stat, truncate } from "node:fs/promises";

const maxLogBytes = 10 * 1024 * 1024;

/**
 * Keeps a log from growing for ever: beyond 10 MiB its contents become `<file>.1`, in place of what was there, and it
 * begins anew. The program goes on writing to the same file; what it writes between the two steps is lost.
 */
export async function rotateLog(file: string, maxBytes = maxLogBytes): Promise<void> {
  const { size } = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return { size: 0 };
  });
  if (size <= maxBytes) return;
  await copyFile(file, `${file}.1`);
  await truncate(file);
}
