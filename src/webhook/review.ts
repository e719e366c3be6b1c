import { messageOf } from "../lib/error-message.ts";
/** A group, version and kind, or resource. */
export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface GroupVersionResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** What the API server asks (admission.k8s.io/v1, and v1beta1 which looks the same). */
export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: GroupVersionKind;
  readonly resource: GroupVersionResource;
  /** Empty for the object itself. */
  readonly subResource: string;
  readonly name: string;
  readonly namespace: string;
  readonly operation: string;
  readonly userName: string;
  /** Absent for DELETE. */
  readonly object: unknown;
  /** Absent for CREATE. */
  readonly oldObject: unknown;
  readonly dryRun: boolean;
}

export interface AdmissionResponse {
  readonly allowed: boolean;
  /** Why not. */
  readonly message?: string;
  /** Operations of JSON patch that lead from the request's object to the one to be stored. */
  readonly patch?: readonly object[];
  readonly warnings?: readonly string[];
}

/** A body that is no AdmissionReview. */
export class ReviewError extends Error {}

/** A request with what its answer repeats. */
export interface Review {
  readonly apiVersion: string;
  readonly kind: string;
  readonly request: AdmissionRequest;
}

/** How deep the JSON of a request may be nested. Objects of the API server's own are far below. */
const deepestNesting = 1000;

/** Reads the body of a request. Throws ReviewError. */
export function parseReview(body: Buffer): Review {
  if (isNestedTooDeep(body)) throw new ReviewError("exceeded max depth");
  const review = asFields(parseJson(body), "AdmissionReview");
  const request = asFields(review["request"], "AdmissionReview.request");
  const kind = asFields(request["kind"] ?? {}, "AdmissionRequest.request.kind");
  const resource = asFields(request["resource"] ?? {}, "AdmissionRequest.request.resource");
  const userInfo = asFields(request["userInfo"] ?? {}, "AdmissionRequest.request.userInfo");
  return {
    apiVersion: text(review, "apiVersion"),
    kind: text(review, "kind"),
    request: {
      uid: text(request, "uid"),
      kind: { group: text(kind, "group"), version: text(kind, "version"), kind: text(kind, "kind") },
      resource: {
        group: text(resource, "group"),
        version: text(resource, "version"),
        resource: text(resource, "resource"),
      },
      subResource: text(request, "subResource"),
      name: text(request, "name"),
      namespace: text(request, "namespace"),
      operation: text(request, "operation"),
      userName: text(userInfo, "username"),
      object: request["object"] ?? undefined,
      oldObject: request["oldObject"] ?? undefined,
      dryRun: request["dryRun"] === true,
    },
  };
}

/** The AdmissionReview that answers a request. Warnings of several lines become several: the API server drops others. */
export function formatReview({ apiVersion, kind, request }: Review, response: AdmissionResponse): string {
  const { allowed, message, patch, warnings = [] } = response;
  return JSON.stringify({
    kind,
    apiVersion,
    response: {
      uid: request.uid,
      allowed,
      ...(message !== undefined && {
        status: { metadata: {}, status: "Failure", message, reason: "BadRequest", code: 400 },
      }),
      ...(patch && { patch: Buffer.from(JSON.stringify(patch)).toString("base64"), patchType: "JSONPatch" }),
      ...(warnings.length > 0 && { warnings: warnings.flatMap((warning) => warning.split("\n")) }),
    },
  });
}

type Fields = Readonly<Record<string, unknown>>;

function parseJson(body: Buffer): unknown {
  if (body.length === 0) throw new ReviewError("EOF");
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw new ReviewError(messageOf(error), { cause: error });
  }
}

function asFields(value: unknown, place: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new ReviewError(`json: ${place} is not an object`);
}

function text(fields: Fields, name: string): string {
  const value = fields[name] ?? "";
  if (typeof value === "string") return value;
  throw new ReviewError(`json: the field ${name} is not a string`);
}

const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const quote = 0x22;
const backslash = 0x5c;

/** Looks at the bytes only, so that the parser and what comes after it never recurse deeply. */
function isNestedTooDeep(body: Buffer): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (isInString) {
      if (byte === backslash) at++;
      else if (byte === quote) isInString = false;
    } else if (byte === quote) {
      isInString = true;
    } else if (byte === openBrace || byte === openBracket) {
      if (++depth > deepestNesting) return true;
    } else if (byte === closeBrace || byte === closeBracket) {
      depth--;
    }
  }
  return false;
}
