/** The message of what was thrown, whatever was. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const mostCauses = 8;

/** What an error says that it was caused by, the nearest first. */
export function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let at = error; at instanceof Error && at.cause instanceof Error && causes.length < mostCauses; at = at.cause) {
    causes.push(at.cause);
  }
  return causes;
}
