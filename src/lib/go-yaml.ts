import { type Document, parseAllDocuments, type YAMLError } from "yaml";
import { formatGoFloat } from "./go-number.ts";

/** A YAML text that cannot be read, or does not have the shape asked for; the message is sigs.k8s.io/yaml's. */
export class YamlError extends Error {}

/** What a YAML text should hold. Unknown fields of a struct are ignored, names are told apart regardless of case. */
export type Shape =
  | "string"
  | { readonly listOf: Shape }
  | { readonly mapOf: Shape }
  /** `type` is the name that error messages use. */
  | { readonly type: string; readonly fields: { readonly [name: string]: Shape } };

/** The value of a Shape; what the text leaves out, or sets to null, is absent. */
export type Shaped<S> = S extends "string"
  ? string
  : S extends { readonly listOf: infer I }
    ? Shaped<I>[]
    : S extends { readonly mapOf: infer V }
      ? Record<string, Shaped<V>>
      : S extends { readonly fields: infer F }
        ? { -readonly [N in keyof F]?: Shaped<F[N]> }
        : never;

/**
 * Reads the first document of a YAML 1.1 text into a shape; undefined for an empty text or null. Where a string is
 * asked for, numbers and truth values are taken as well. Throws YamlError. Source: sigs.k8s.io/yaml v1.4 Unmarshal.
 */
export function parseYaml<const S extends Shape>(text: string, shape: S): Shaped<S> | undefined {
  const document = parseAllDocuments(text, {
    version: "1.1",
    uniqueKeys: false,
    merge: true,
    prettyErrors: false,
  })[0] as Document.Parsed | undefined;
  const error = document?.errors[0];
  if (error) throw new YamlError(`error converting YAML to JSON: yaml: ${describe(error, text)}`);
  let value: unknown;
  try {
    value = document?.toJS({ maxAliasCount: 100 }) ?? null;
  } catch (cause) {
    throw new YamlError("error converting YAML to JSON: yaml: document contains excessive aliasing", { cause });
  }
  return fit(value, shape, { path: "" }) as Shaped<S> | undefined;
}

interface Place {
  /** "type.field.field", as Go's decoder names it. */
  readonly path: string;
}

function fit(value: unknown, shape: Shape, place: Place): unknown {
  if (value === null || value === undefined) return undefined;
  if (shape === "string") {
    if (typeof value === "string") return value;
    if (typeof value === "boolean") return String(value);
    if (typeof value === "number") return Number.isInteger(value) ? String(value) : formatGoFloat(value);
    if (typeof value === "bigint") return String(value);
    throw mismatch(value, shape, place);
  }
  if ("listOf" in shape) {
    if (!Array.isArray(value)) throw mismatch(value, shape, place);
    return value.map((element) => fit(element, shape.listOf, place) ?? zero(shape.listOf));
  }
  if (!isObject(value)) throw mismatch(value, shape, place);
  if ("mapOf" in shape) {
    return Object.fromEntries(
      Object.entries(value).map(([key, element]) => [key, fit(element, shape.mapOf, place) ?? zero(shape.mapOf)]),
    );
  }
  const fitted: Record<string, unknown> = {};
  for (const [key, element] of Object.entries(value)) {
    const name = Object.keys(shape.fields).find((field) => field.toLowerCase() === key.toLowerCase());
    if (name === undefined) continue;
    const part = fit(element, shape.fields[name]!, { path: `${place.path || shape.type}.${name}` });
    if (part !== undefined) fitted[name] = part;
  }
  return fitted;
}

/** Go's zero value: what null leaves in a list or map. */
function zero(shape: Shape): unknown {
  if (shape === "string") return "";
  return "listOf" in shape ? [] : {};
}

function mismatch(value: unknown, shape: Shape, place: Place): YamlError {
  const found = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  const where = place.path === "" ? "value" : `struct field ${place.path}`;
  return new YamlError(
    `error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${found} into Go ${where} of type ${goType(shape)}`,
  );
}

function goType(shape: Shape): string {
  if (shape === "string") return "string";
  if ("listOf" in shape) return `[]${goType(shape.listOf)}`;
  return "mapOf" in shape ? `map[string]${goType(shape.mapOf)}` : shape.type;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What go-yaml says about the commonest slips; of others, what our own parser says. */
function describe(error: YAMLError, text: string): string {
  const line = text.slice(0, error.pos[0]).split("\n").length;
  if (/^Flow map|in flow map|flow mapping/.test(error.message)) return `line ${line}: did not find expected ',' or '}'`;
  if (/^Flow seq|in flow seq|flow sequence/.test(error.message))
    return `line ${line}: did not find expected ',' or ']'`;
  if (/Nested mappings are not allowed/.test(error.message)) {
    return `line ${line}: mapping values are not allowed in this context`;
  }
  if (/Tabs are not allowed|start with reserved character|TAB_AS_INDENT/.test(error.message)) {
    return `line ${line}: found character that cannot start any token`;
  }
  return `line ${line}: ${error.message}`;
}
