import type { Status } from "../apis/meta.ts";
import { causesOf, messageOf } from "../lib/error-message.ts";

/** The API server refused a request. `status` is its answer; `message` says what was asked and what it said. */
export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly status: Status;
  /** How long the server asks us to wait before we try again. */
  readonly retryAfterMs: number | undefined;

  constructor(code: number, status: Status, options: { request?: string; retryAfterMs?: number } = {}) {
    const text = status.message || `${status.reason || "the server answered"} ${code}`;
    super(options.request ? `${options.request}: ${text}` : text);
    this.name = "ApiError";
    this.code = code;
    this.reason = status.reason ?? "";
    this.status = status;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The request never got a whole answer: refused, reset, timed out, unreadable. It may have taken effect. */
export class ConnectionError extends Error {
  /** The server had closed the kept-alive connection before the request came: it saw nothing of it, most likely. */
  readonly stale: boolean;

  constructor(message: string, options?: ErrorOptions & { stale?: boolean }) {
    super(message, options);
    this.name = "ConnectionError";
    this.stale = options?.stale ?? false;
  }
}

/** Trying again is useless until something changes: the work queue does not retry after it. */
export class PermanentError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PermanentError";
  }
}

/** Builds the error that an API server would answer with; for fakes and for servers of ours. */
export function apiError(code: number, reason: string, message: string, details?: Status["details"]): ApiError {
  return new ApiError(code, {
    apiVersion: "v1",
    kind: "Status",
    metadata: {},
    status: "Failure",
    code,
    reason,
    message,
    ...(details && { details }),
  });
}

const has = (error: unknown, code: number) => error instanceof ApiError && error.code === code;
const says = (error: unknown, reason: string) => error instanceof ApiError && error.reason === reason;

export const isNotFound = (error: unknown): boolean => has(error, 404);
/** The object changed since it was read. A 409 for "it exists already" is not meant. */
export const isConflict = (error: unknown): boolean => has(error, 409) && !says(error, "AlreadyExists");
export const isAlreadyExists = (error: unknown): boolean => says(error, "AlreadyExists");
/** The resourceVersion or continue token is too old. */
export const isGone = (error: unknown): boolean => has(error, 410) || says(error, "Expired");
export const isUnauthorized = (error: unknown): boolean => has(error, 401);
export const isInvalid = (error: unknown): boolean => has(error, 422);
/** Creating in a namespace that is being deleted. */
export const isNamespaceTerminating = (error: unknown): boolean =>
  has(error, 403) &&
  ((error as ApiError).status.details?.causes ?? []).some((cause) => cause.reason === "NamespaceTerminating");

/** The server could not be asked; also where the error says for what. */
export function isUnreachable(error: unknown): boolean {
  return [error, ...causesOf(error)].some((cause) => cause instanceof ConnectionError);
}

/** What went wrong, as events and conditions tell it: of an API error only what the server said. */
export function reasonFor(error: unknown): string {
  if (error instanceof ApiError) return error.status.message || error.message;
  return messageOf(error);
}

/**
 * The error with what failed, "failed to create Ingress" for instance. A lost race stays as it is, since nobody needs
 * to hear of it.
 */
export function failure(what: string, cause: unknown): unknown {
  return isConflict(cause) ? cause : new Error(`${what}: ${reasonFor(cause)}`, { cause });
}

/** A `catch` handler that throws the `failure`. */
export function failed(what: string): (error: unknown) => never {
  return (error) => {
    throw failure(what, error);
  };
}
