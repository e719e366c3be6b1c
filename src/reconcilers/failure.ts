import { ApiError, isConflict } from "../kube/errors.ts";

/** What went wrong, as people read it in events and conditions: of an API error only what the server said. */
export function reasonFor(error: unknown): string {
  if (error instanceof ApiError) return error.status.message || error.message;
  return error instanceof Error ? error.message : String(error);
}

/** The failure with what was being done: "failed to <doing>: <reason>". A lost race stays one. */
export function failedTo(doing: string, cause: unknown): unknown {
  return isConflict(cause) ? cause : new Error(`failed to ${doing}: ${reasonFor(cause)}`, { cause });
}
