import type { ObjectMeta } from "../../apis/meta.ts";
import type { Call, WriteOptions } from "./call.ts";
import { kindMark, type Misfits } from "./decode.ts";
import { groupVersion, type Item, type ServedResource } from "./resource.ts";
import { badRequest } from "./status-errors.ts";
import { type Fields, isMap } from "./typed-values.ts";

const maxShownBody = 30;

/**
 * Decodes a parsed body as an object of the resource: kind and version must fit, unknown fields are refused, warned of
 * or dropped as the request wants it.
 */
export function decodeItem(resource: ServedResource, value: unknown, options: WriteOptions, call: Call): Item {
  if (!isMap(value)) throw badRequest(`the object provided is unrecognized (must be of type ${resource.kind})`);
  const expected = groupVersion(resource);
  // Go's typed decoders take the kind of the path for granted; custom resources have to name theirs.
  const { apiVersion = resource.custom ? "" : expected, kind = resource.custom ? "" : resource.kind } = value;
  if (!kind) throw withoutKind(resource, JSON.stringify(value));
  if (kind !== resource.kind || apiVersion !== expected) throw wrongKind(resource, String(apiVersion), String(kind));
  return fitItem(resource, value, options, call);
}

function withoutKind({ kind }: ServedResource, body: string): Error {
  const shown = body.length > maxShownBody ? `${body.slice(0, maxShownBody)} ...` : body;
  const what = `the object provided is unrecognized (must be of type ${kind})`;
  return badRequest(`${what}: Object 'Kind' is missing in '${body}' (${shown})`);
}

function wrongKind(resource: ServedResource, apiVersion: string, kind: string): Error {
  const expected = groupVersion(resource);
  const given = apiVersion.split("/");
  if (resource.custom) {
    return kind === resource.kind
      ? badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${expected})`)
      : badRequest(`the object provided is a ${kind}, not a ${resource.kind}`);
  }
  const handled = `${kind} in version "${given.at(-1)}" cannot be handled as a ${resource.kind}`;
  if (apiVersion !== expected) {
    return badRequest(
      `${kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/runtime/scheme.go:110"`,
    );
  }
  const internal = resource.group === "" ? "core" : resource.group.split(".")[0];
  return badRequest(
    `${handled}: converting (${given.at(-1)}.${kind}) to (${internal}.${resource.kind}): unknown conversion`,
  );
}

/** Drops what the kind's schema does not know; see decodeItem. */
export function fitItem(
  resource: ServedResource,
  value: Fields,
  options: WriteOptions,
  call: Call,
  { refuse, keepsEmpty = false }: { refuse?: (reason: string) => Error; keepsEmpty?: boolean } = {},
): Item {
  const misfits: Misfits = { unknown: [], mistyped: [], keepsEmpty };
  const item = resource.decode(value, misfits);
  const handled = `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: `;
  if (misfits.mistyped.length > 0)
    throw badRequest(`${handled}${misfits.mistyped[0]!.replaceAll(kindMark, resource.kind)}`);
  const unknown = [...new Set(misfits.unknown)].map((field) => `unknown field "${field}"`);
  if (unknown.length > 0 && options.fieldValidation === "Strict") {
    const reason = `strict decoding error: ${unknown.join(", ")}`;
    throw refuse?.(reason) ?? badRequest(`${handled}${reason}`);
  }
  if (options.fieldValidation === "Warn") for (const text of unknown) call.warn(text);
  item.metadata ??= {} as ObjectMeta;
  return item;
}
