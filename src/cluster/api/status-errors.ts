import type { Status, StatusDetails } from "../../apis/meta.ts";
import { ApiError } from "../../kube/errors.ts";
import { messageOf } from "../../lib/error-message.ts";

/** A request that is answered with a failure Status. Texts and codes are those of k8s.io/apimachinery api/errors. */
export function statusError(code: number, reason: string, message: string, details?: StatusDetails): ApiError {
  const retryAfterMs = details?.retryAfterSeconds === undefined ? undefined : details.retryAfterSeconds * 1000;
  const status: Status = {
    apiVersion: "v1",
    kind: "Status",
    metadata: {},
    status: "Failure",
    message,
    ...(reason !== "" && { reason }),
    ...(details && { details }),
    code,
  };
  return new ApiError(code, status, retryAfterMs === undefined ? {} : { retryAfterMs });
}

/** "deployments.apps", or "pods" in the core group: how messages name a resource. */
export function qualified(target: { group: string; resource: string }): string {
  return target.group === "" ? target.resource : `${target.resource}.${target.group}`;
}

/** The resource (and perhaps object) that an error is about. */
export interface Target {
  readonly group: string;
  readonly resource: string;
}

const detailsOf = (target: Target, name: string): StatusDetails => ({
  ...(name !== "" && { name }),
  ...(target.group !== "" && { group: target.group }),
  kind: target.resource,
});

export const notFound = (target: Target, name: string) =>
  statusError(404, "NotFound", `${qualified(target)} "${name}" not found`, detailsOf(target, name));

export const noSuchPath = () => statusError(404, "NotFound", "the server could not find the requested resource", {});

export const alreadyExists = (target: Target, name: string) =>
  statusError(409, "AlreadyExists", `${qualified(target)} "${name}" already exists`, detailsOf(target, name));

export const conflict = (target: Target, name: string, why: string) =>
  statusError(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${qualified(target)} "${name}": ${why}`,
    detailsOf(target, name),
  );

export const modifiedMeanwhile = (target: Target, name: string) =>
  conflict(target, name, "the object has been modified; please apply your changes to the latest version and try again");

export const forbidden = (target: Target, name: string, why: string) =>
  statusError(
    403,
    "Forbidden",
    name === "" ? `${qualified(target)} is forbidden: ${why}` : `${qualified(target)} "${name}" is forbidden: ${why}`,
    detailsOf(target, name),
  );

export const badRequest = (message: string) => statusError(400, "BadRequest", message);

export const unauthorized = () => statusError(401, "Unauthorized", "Unauthorized");

export const methodNotSupported = (target: Target, verb: string) =>
  statusError(
    405,
    "MethodNotAllowed",
    `${verb} is not supported on resources of kind "${qualified(target)}"`,
    detailsOf(target, ""),
  );

export const methodNotAllowed = () =>
  statusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});

export const gone = (message: string) => statusError(410, "Expired", message);

export const tooLarge = (limit: number) =>
  statusError(413, "RequestEntityTooLarge", `Request entity too large: limit is ${limit}`);

export const unsupportedPatchType = () => statusError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {});

/** Options that make no sense: 422 about the options' own kind. */
export function invalidOptions(kind: string, error: FieldError): ApiError {
  return invalid({ group: "meta.k8s.io", kind }, "", [error]);
}

export const unsupportedMediaType = (supported: readonly string[]) =>
  statusError(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${supported.join(", ")}`,
  );

export const notAcceptable = (supported: readonly string[]) =>
  statusError(406, "NotAcceptable", `406: Not Acceptable\n\nAvailable representations: ${supported.join(", ")}`, {});

export const tooManyRequests = (message: string, retryAfterSeconds: number, causes?: StatusDetails["causes"]) =>
  statusError(429, "TooManyRequests", message, {
    ...(causes && { causes }),
    ...(retryAfterSeconds > 0 && { retryAfterSeconds }),
  });

export const internalError = (cause: unknown) =>
  statusError(500, "InternalError", `Internal error occurred: ${messageOf(cause)}`, {
    causes: [{ message: messageOf(cause) }],
  });

/** One rule that an object breaks. `text` is what follows the field in the message. */
export interface FieldError {
  readonly field: string;
  readonly reason:
    | "FieldValueRequired"
    | "FieldValueInvalid"
    | "FieldValueNotSupported"
    | "FieldValueDuplicate"
    | "FieldValueForbidden"
    | "FieldValueTooLong"
    | "FieldValueTooMany"
    | "FieldValueTypeInvalid"
    | "FieldValueNotFound";
  readonly text: string;
}

/** Prints a value as Go's field.Error does: strings quoted, composites as JSON. */
function show(value: unknown): string {
  return value === undefined ? "null" : JSON.stringify(value);
}

export const required = (field: string, detail = ""): FieldError => ({
  field,
  reason: "FieldValueRequired",
  text: detail === "" ? "Required value" : `Required value: ${detail}`,
});

export const invalidValue = (field: string, value: unknown, detail: string): FieldError => ({
  field,
  reason: "FieldValueInvalid",
  text: `Invalid value: ${show(value)}${detail === "" ? "" : `: ${detail}`}`,
});

export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  field,
  reason: "FieldValueNotSupported",
  text: `Unsupported value: ${show(value)}: supported values: ${[...supported].sort().map(show).join(", ")}`,
});

export const duplicate = (field: string, value: unknown): FieldError => ({
  field,
  reason: "FieldValueDuplicate",
  text: `Duplicate value: ${show(value)}`,
});

export const forbiddenField = (field: string, detail: string): FieldError => ({
  field,
  reason: "FieldValueForbidden",
  text: `Forbidden: ${detail}`,
});

export const valueNotFound = (field: string, value: unknown): FieldError => ({
  field,
  reason: "FieldValueNotFound",
  text: `Not found: ${show(value)}`,
});

/** 422: the object breaks these rules. One error stands alone, several are listed in brackets. */
export function invalid(kind: { group: string; kind: string }, name: string, errors: readonly FieldError[]): ApiError {
  const qualifiedKind = kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`;
  const texts = [...new Set(errors.map((error) => `${error.field}: ${error.text}`))];
  const list = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  return statusError(422, "Invalid", `${qualifiedKind} "${name}" is invalid: ${list}`, {
    ...(name !== "" && { name }),
    ...(kind.group !== "" && { group: kind.group }),
    ...(kind.kind !== "" && { kind: kind.kind }),
    causes: errors.map((error) => ({ reason: error.reason, message: error.text, field: error.field })),
  });
}
