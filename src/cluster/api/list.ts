import type { Api, Call } from "./call.ts";
import { type Item, type ServedResource, targetOf } from "./resource.ts";
import { parseFieldSelector, parseLabelSelector } from "./selectors.ts";
import { badRequest, forbiddenField, gone, invalidOptions, notFound, statusError } from "./status-errors.ts";
import type { Stored } from "./storage.ts";

/** One page of objects, as they were at one revision. */
export interface Page {
  readonly entries: readonly Stored[];
  readonly revision: number;
  readonly continue?: string;
  readonly remaining?: number;
}

/** Says whether an object is asked for by a request's selectors and namespace. */
export type Filter = (entry: Stored) => boolean;

/** Builds the filter of a list, watch or deletecollection. */
export function filterOf(resource: ServedResource, namespace: string, query: URLSearchParams): Filter {
  const labels = parseLabelSelector(query.get("labelSelector") ?? "");
  const special = resource.behaviour.fields ?? {};
  const names = ["metadata.name", ...(resource.namespaced ? ["metadata.namespace"] : []), ...Object.keys(special)];
  const fields = parseFieldSelector(query.get("fieldSelector") ?? "", names, (object) => ({
    "metadata.name": object.metadata.name,
    "metadata.namespace": object.metadata.namespace ?? "",
    ...Object.fromEntries(Object.entries(special).map(([name, read]) => [name, read(object as Item)])),
  }));
  const wantsAll = !query.get("labelSelector") && !query.get("fieldSelector");
  if (wantsAll) return (entry) => namespace === "" || entry.namespace === namespace;
  return (entry) =>
    (namespace === "" || entry.namespace === namespace) &&
    (fields.name === undefined || entry.name === fields.name) &&
    labels(entry.object.metadata.labels ?? {}) &&
    fields.matches(entry.object);
}

export function getEntry(api: Api, resource: ServedResource, namespace: string, name: string): Stored {
  const entry = api.storage.get(resource.key, namespace, name);
  if (!entry) throw notFound(targetOf(resource), name);
  return entry;
}

interface ContinueToken {
  readonly v: "meta.k8s.io/v1";
  /** The revision that all pages show; -1 once the client accepted a newer one. */
  readonly rv: number;
  /** "namespace/name" of the last object of the page before. */
  readonly start: string;
}

/**
 * Lists a page. Pages of one list show the same revision as long as it is remembered; after that 410 offers a token
 * to go on with the present state. Source: k8s.io/apiserver storage ListOptions semantics.
 */
export function listPage(api: Api, call: Call, resource: ServedResource, namespace: string): Page {
  const { query } = call;
  const filter = filterOf(resource, namespace, query);
  const limit = Number(query.get("limit") ?? 0) || 0;
  const token = query.get("continue") ? decodeToken(query.get("continue")!) : undefined;
  if (token && query.get("resourceVersion") && query.get("resourceVersion") !== "0") {
    throw badRequest("specifying resource version is not allowed when using continue");
  }
  const revision = token ? (token.rv < 0 ? api.storage.revision : token.rv) : revisionOf(api, query);
  const all =
    revision === api.storage.revision
      ? api.storage.list(resource.key, namespace)
      : api.cache.snapshotAt(resource.key, revision, namespace);
  if (!all) {
    if (!token) throw gone(`The resourceVersion for the provided list is too old.`);
    const next = encodeToken({ ...token, rv: -1 });
    const error = gone(
      "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    );
    error.status.metadata["continue"] = next;
    throw error;
  }
  const rest = token ? all.filter((entry) => `${entry.namespace}/${entry.name}` > token.start) : all;
  const matching = rest.filter(filter);
  if (limit <= 0 || matching.length <= limit) return { entries: matching, revision };
  const entries = matching.slice(0, limit);
  const last = entries.at(-1)!;
  const selective = query.get("labelSelector") || query.get("fieldSelector");
  return {
    entries,
    revision,
    continue: encodeToken({ v: "meta.k8s.io/v1", rv: revision, start: `${last.namespace}/${last.name}` }),
    ...(!selective && { remaining: matching.length - limit }),
  };
}

/** The revision that a list without a token shows. */
function revisionOf(api: Api, query: URLSearchParams): number {
  const text = query.get("resourceVersion") ?? "";
  const match = query.get("resourceVersionMatch") ?? "";
  if (match && !text) {
    throw invalidOptions(
      "ListOptions",
      forbiddenField("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided"),
    );
  }
  if (match && match !== "Exact" && match !== "NotOlderThan") {
    const text = `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`;
    throw invalidOptions("ListOptions", { field: "resourceVersionMatch", reason: "FieldValueNotSupported", text });
  }
  const wanted = parseRevision(text);
  if (match === "Exact" && wanted === 0) {
    throw invalidOptions(
      "ListOptions",
      forbiddenField("resourceVersionMatch", `resourceVersionMatch "Exact" is forbidden for resourceVersion "0"`),
    );
  }
  if (wanted > api.storage.revision) {
    throw statusError(504, "Timeout", `Too large resource version: ${wanted}, current: ${api.storage.revision}`, {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    });
  }
  const limited = (Number(query.get("limit") ?? 0) || 0) > 0;
  const exact = match === "Exact" || (match === "" && limited && wanted > 0);
  return exact ? wanted : api.storage.revision;
}

/** Parses a resourceVersion; absent and "0" give 0. Throws 400 for others than whole numbers. */
export function parseRevision(text: string): number {
  if (text === "") return 0;
  if (!/^\d+$/.test(text)) {
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  }
  return Number(text);
}

function encodeToken(token: ContinueToken): string {
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

function decodeToken(text: string): ContinueToken {
  try {
    const token = JSON.parse(Buffer.from(text, "base64url").toString()) as ContinueToken;
    if (token.v === "meta.k8s.io/v1" && Number.isInteger(token.rv) && typeof token.start === "string") return token;
  } catch {
    // Reported below, together with tokens of a wrong shape.
  }
  throw badRequest("invalid continue token: continue key is not valid: the token is not one that this server issued");
}
