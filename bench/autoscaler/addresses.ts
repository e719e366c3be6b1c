/** The loopback address of a pod: every one of 127.64.0.0/10 answers without being set up. */
export function addressOf(revision: number, pod: number, podsPerRevision: number): string {
  const index = revision * podsPerRevision + pod;
  return `127.${64 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
}

export function revisionOf(address: string, podsPerRevision: number): number {
  const [, a = 0, b = 0, c = 0] = address
    .replace(/^::ffff:/, "")
    .split(".")
    .map(Number);
  return Math.floor((((a - 64) << 16) + (b << 8) + c) / podsPerRevision);
}
