import { parse as parseYaml } from "yaml";
import type { Schema } from "../../apis/schema.ts";
import { ownProperty } from "../../apis/structural.ts";
import { messageOf } from "../../lib/error-message.ts";
import { canonicalQuantity } from "../../lib/quantity.ts";
import { badRequest, unsupportedMediaType } from "./status-errors.ts";
import { type Fields, isMap } from "./typed-values.ts";

const mediaTypes = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"] as const;

/** Reads a body as JSON or YAML. Throws 400 for what cannot be parsed, 415 for other formats. */
export function parseBody(body: Buffer, mediaType: string): unknown {
  const text = body.toString("utf8");
  if (mediaType === "application/yaml" || mediaType === "application/apply-patch+yaml") {
    try {
      // JSON is YAML too, and much the faster to read.
      return text.trimStart().startsWith("{") ? parseJson(text) : parseYaml(text, plainKeys, { maxAliasCount: 100 });
    } catch (error) {
      throw badRequest(`error decoding YAML: ${messageOf(error)}`);
    }
  }
  if (mediaType !== "" && mediaType !== "application/json" && !mediaType.endsWith("+json")) {
    throw unsupportedMediaType(mediaTypes.slice(0, 2));
  }
  try {
    return parseJson(text);
  } catch (error) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${"Object"}): couldn't get version/kind; json parse error: ${messageOf(error)}`,
    );
  }
}

/** A key that would change the prototype of the objects it is copied to is left out. */
function parseJson(text: string): unknown {
  if (!text.includes("__proto__")) return JSON.parse(text);
  return JSON.parse(text, plainKeys);
}

const plainKeys = (key: unknown, value: unknown) => (key === "__proto__" ? undefined : value);

/** What was found wrong while an object was fitted to its schema. */
export interface Misfits {
  /** Fields that the schema does not know, and that were dropped. */
  readonly unknown: string[];
  /** Values of a wrong type, in the words of Go's JSON decoder. */
  readonly mistyped: string[];
  /** Empty maps and lists are kept: whoever applies them owns them. */
  readonly keepsEmpty?: boolean;
}

/**
 * Fits a built-in kind's object to its schema, as decoding into a Go struct does: drops fields that the schema does
 * not know and null values, and notes what it dropped and what has a wrong type. Returns a new value.
 */
export function fit(value: unknown, schema: Schema, misfits: Misfits, path = ""): unknown {
  if (value === null) return undefined;
  // An empty list of managed fields is a wish: to forget them.
  if (!misfits.keepsEmpty && path !== "metadata.managedFields" && isEmptyCollection(value, schema)) return undefined;
  if (schema["x-kubernetes-int-or-string"]) {
    if (isQuantitySchema(schema)) return fitQuantity(value, misfits);
    if (typeof value === "number" || typeof value === "string") return value;
    return mistyped(value, "intstr.IntOrString", misfits, path);
  }
  switch (schema.type) {
    case "object":
      if (!isMap(value)) return mistyped(value, "map", misfits, path);
      return fitMap(value, schema, misfits, path);
    case "array":
      if (!Array.isArray(value)) return mistyped(value, "slice", misfits, path);
      return value.map(
        (item, index) => fit(item, schema.items ?? {}, misfits, `${path}[${index}]`) ?? emptyOf(schema.items),
      );
    case "string":
      return typeof value === "string" ? value : mistyped(value, "string", misfits, path);
    case "boolean":
      return typeof value === "boolean" ? value : mistyped(value, "bool", misfits, path);
    case "integer":
      return Number.isInteger(value) ? value : mistyped(value, schema.format ?? "int64", misfits, path);
    case "number":
      return typeof value === "number" ? value : mistyped(value, "float64", misfits, path);
    default:
      return value;
  }
}

/** Of the int-or-string values, amounts alone have a pattern. */
const isQuantitySchema = (schema: Schema) => schema.pattern !== undefined;

function fitQuantity(value: unknown, misfits: Misfits): unknown {
  try {
    return canonicalQuantity(typeof value === "string" ? value : JSON.stringify(value));
  } catch {
    misfits.mistyped.push(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
    return undefined;
  }
}

/** Go does not print empty maps and lists (of fields with omitempty, as almost all are). */
function isEmptyCollection(value: unknown, schema: Schema): boolean {
  if (Array.isArray(value)) return schema.type === "array" && value.length === 0;
  return schema.additionalProperties !== undefined && isMap(value) && Object.keys(value).length === 0;
}

/** What Go makes of a null element: the zero value. */
function emptyOf(schema: Schema | undefined): unknown {
  if (schema?.type === "string") return "";
  if (schema?.type === "object") return {};
  return null;
}

function fitMap(value: Fields, schema: Schema, misfits: Misfits, path: string): Fields {
  const result: Fields = {};
  for (const [name, field] of Object.entries(value)) {
    const property = ownProperty(schema, name);
    const fieldSchema = property ?? schema.additionalProperties;
    const own = path === "" ? name : `${path}.${name}`;
    // Go names the map, not its key.
    const down = property ? own : path;
    if (!fieldSchema) {
      if (schema["x-kubernetes-preserve-unknown-fields"]) result[name] = field;
      else misfits.unknown.push(own);
      continue;
    }
    const fitted = fit(field, fieldSchema, misfits, down);
    if (fitted !== undefined) result[name] = fitted;
    else if (schema.additionalProperties?.type === "string" && field === null) result[name] = "";
  }
  return result;
}

function mistyped(value: unknown, wanted: string, misfits: Misfits, path: string): undefined {
  const found = Array.isArray(value)
    ? "array"
    : isMap(value)
      ? "object"
      : typeof value === "boolean"
        ? "bool"
        : typeof value;
  const shown = found === "number" && wanted !== "string" && wanted !== "bool" ? `number ${String(value)}` : found;
  const names = path.replace(/\[\d+\]/g, "");
  misfits.mistyped.push(
    `json: cannot unmarshal ${shown} into Go struct field ${structOf(names)}.${names} of type ${wanted}`,
  );
  return undefined;
}

/** Go structs by the field that holds them, as far as messages commonly name them; the kind itself is not known here. */
const structs: Readonly<Record<string, string>> = {
  metadata: "ObjectMeta",
  containers: "Container",
  ports: "ContainerPort",
  env: "EnvVar",
};

function structOf(path: string): string {
  const parents = path.split(".").slice(0, -1);
  const parent = parents.at(-1);
  if (parent === undefined) return kindMark;
  if (parent === "spec" && parents.length === 1) return `${kindMark}Spec`;
  if (parent === "spec") return "PodSpec";
  return Object.hasOwn(structs, parent) ? structs[parent]! : "";
}

/** Stands for the kind's name in messages until somebody who knows it fills it in. */
export const kindMark = "{kind}";
