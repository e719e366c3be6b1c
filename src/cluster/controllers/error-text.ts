import { ApiError } from "../../kube/errors.ts";

/** What the API server said, without our own account of the request: the text of conditions and events. */
export function errorText(error: unknown): string {
  if (error instanceof ApiError) return error.status.message || error.message;
  return error instanceof Error ? error.message : String(error);
}
