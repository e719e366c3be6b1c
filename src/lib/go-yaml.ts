import { type EmptyStream, parseAllDocuments, type YAMLError } from "yaml";
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
  const documents = parseAllDocuments(text, {
    version: "1.1",
    uniqueKeys: false,
    merge: true,
    prettyErrors: false,
    logLevel: "silent",
    // Go takes times for strings.
    customTags: (tags) => tags.filter((tag) => typeof tag === "string" || !tag.tag.endsWith(":timestamp")),
  });
  const refuse = (problem: string, cause?: unknown) =>
    new YamlError(`error converting YAML to JSON: yaml: ${problem}`, { cause });
  const document = documents[0];
  const { errors, warnings } = document ?? (documents as EmptyStream);
  const error =
    errors[0] ?? warnings.find(({ message }) => /directive|yaml\.org,2002:(?:int|float|bool|null)/.test(message));
  if (error) throw refuse(describe(error, text), error);
  let value: unknown;
  try {
    value = document?.toJS({ maxAliasCount: 100, mapAsMap: true }) ?? null;
  } catch (cause) {
    const anchor = /Unresolved alias .*: (.*)$/.exec(cause instanceof Error ? cause.message : "");
    throw refuse(anchor ? `unknown anchor '${anchor[1]}' referenced` : "document contains excessive aliasing", cause);
  }
  return fit(plain(value, refuse), shape, { path: "" }) as Shaped<S> | undefined;
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

/** Turns maps into objects; what cannot be the name of a field is refused. */
function plain(value: unknown, refuse: (problem: string) => YamlError): unknown {
  if (Array.isArray(value)) return value.map((element) => plain(element, refuse));
  if (!(value instanceof Map)) return value;
  const entries = [...value].map(([key, element]) => {
    if (typeof key === "object" && key !== null) throw refuse(`invalid map key: ${JSON.stringify(key)}`);
    return [String(key), plain(element, refuse)] as const;
  });
  return Object.fromEntries(entries);
}

/**
 * What go-yaml says about the commonest slips; of others, what our own parser says. Go's scanner leaves out the line
 * where it is the first one; its parser counts from zero.
 */
function describe(error: YAMLError, text: string): string {
  const line = text.slice(0, error.pos[0]).split("\n").length;
  const scanned = line > 1 ? `line ${line}: ` : "";
  const parsed = line > 1 ? `line ${line - 1}: ` : "";
  const atEnd = text.replace(/\n$/, "").split("\n").length;
  const says = (pattern: RegExp) => pattern.test(error.message);
  if (says(/^Flow map|in flow map|flow mapping/)) return `line ${atEnd}: did not find expected ',' or '}'`;
  if (says(/^Flow seq|in flow seq|flow sequence/)) return `line ${atEnd}: did not find expected ',' or ']'`;
  if (says(/Missing closing/)) return `${atEnd > 1 ? `line ${atEnd + 1}: ` : ""}found unexpected end of stream`;
  if (says(/Nested mappings are not allowed/)) return `${scanned}mapping values are not allowed in this context`;
  if (says(/Tabs are not allowed|reserved character|TAB_AS_INDENT/)) {
    return `${scanned}found character that cannot start any token`;
  }
  const tag = /yaml\.org,2002:(int|float|bool|null)$/.exec(error.message)?.[1];
  if (tag) return `cannot decode !!str \`${/\S*\s+(\S*)/.exec(text.slice(error.pos[0]))?.[1] ?? ""}\` as a !!${tag}`;
  if (says(/directive/)) return `${scanned}found unknown directive name`;
  if (says(/Implicit map keys need/)) return `line ${atEnd + 1}: could not find expected ':'`;
  if (says(/Unexpected flow-(?:map|seq)-end token in YAML stream/)) return `${parsed}did not find expected key`;
  if (says(/Unexpected flow-(?:map|seq)-end token/)) return `${parsed}did not find expected node content`;
  return `${scanned}${error.message}`;
}
