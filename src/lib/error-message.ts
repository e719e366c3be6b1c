/** The message of what was thrown, whatever was. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
