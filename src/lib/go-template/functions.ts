import { escapeHtml, escapeJs, escapeQuery } from "./escape.ts";
import { sprint, sprintf } from "./print.ts";
import { isSlice, isTruthy, type TemplateValue, typeOf } from "./value.ts";

type Values = readonly TemplateValue[];

interface BuiltIn {
  /** Arguments that it needs. */
  readonly least: number;
  /** Whether it takes more. */
  readonly more: boolean;
  call(values: Values): TemplateValue;
}

const functions: Readonly<Record<string, BuiltIn>> = {
  // Nothing that templates can reach is a function.
  call: atLeast(1, ([called]) => {
    throw new Error(called === undefined ? "call of nil" : `non-function of type ${typeOf(called)}`);
  }),
  html: atLeast(0, (values) => escapeHtml(textOf(values))),
  index: atLeast(1, ([item, ...indexes]) => indexes.reduce(indexed, itemOf(item, "index"))),
  js: atLeast(0, (values) => escapeJs(textOf(values))),
  len: exactly(1, ([item]) => lengthOf(item)),
  not: exactly(1, ([value]) => !isTruthy(value)),
  print: atLeast(0, (values) => sprint(values)),
  printf: atLeast(1, ([format, ...values]) => sprintf(String(format), values)),
  println: atLeast(0, (values) => `${values.map((value) => sprint([value])).join(" ")}\n`),
  slice: atLeast(1, ([item, ...indexes]) => sliced(itemOf(item, "slice"), indexes)),
  urlquery: atLeast(0, (values) => escapeQuery(textOf(values))),
  eq: atLeast(1, ([first, ...others]) => {
    if (others.length === 0) throw new Error("missing argument for comparison");
    return others.some((other) => isEqual(first, other));
  }),
  ne: exactly(2, ([a, b]) => !isEqual(a, b)),
  lt: exactly(2, ([a, b]) => isLess(a, b)),
  le: exactly(2, ([a, b]) => isLess(a, b) || isEqual(a, b)),
  gt: exactly(2, ([a, b]) => !(isLess(a, b) || isEqual(a, b))),
  ge: exactly(2, ([a, b]) => !isLess(a, b)),
};

/** The names that a template may call; `and` and `or` evaluate their arguments one by one, see execute.ts. */
export const functionNames: ReadonlySet<string> = new Set([...Object.keys(functions), "and", "or"]);

/** A function that takes so many arguments; `fail` is told when it does not. It throws plain messages. */
export function callFunction(
  name: string,
  args: number,
  final: number,
  fail: (message: string) => never,
): (values: Values) => TemplateValue {
  const { least, more, call } = functions[name]!;
  if (more && args + final < least) fail(`wrong number of args for ${name}: want at least ${least} got ${args}`);
  if (!more && args + final !== least) fail(`wrong number of args for ${name}: want ${least} got ${args + final}`);
  return call;
}

function exactly(least: number, call: BuiltIn["call"]): BuiltIn {
  return { least, more: false, call };
}

function atLeast(least: number, call: BuiltIn["call"]): BuiltIn {
  return { least, more: true, call };
}

/** The text that an escaping function works on. */
function textOf(values: Values): string {
  const [only] = values;
  return values.length === 1 && typeof only === "string" ? only : sprint(values.map((value) => value ?? "<no value>"));
}

function itemOf(item: TemplateValue, verb: "index" | "slice"): TemplateValue {
  if (item === undefined) throw new Error(`${verb} of untyped nil`);
  return item;
}

function indexed(item: TemplateValue, index: TemplateValue): TemplateValue {
  if (item === undefined) throw new Error("index of nil pointer");
  if (isSlice(item) || typeof item === "string") {
    const elements = typeof item === "string" ? [...Buffer.from(item)] : item;
    const at = position(index, elements.length);
    if (at === elements.length)
      throw new Error(`reflect: ${typeof item === "string" ? "string" : "slice"} index out of range`);
    return elements[at];
  }
  if (typeof item === "object" && item.go === "map") {
    if (index === undefined) throw new Error("value is nil; should be of type string");
    if (typeof index !== "string") throw new Error(`value has type ${typeOf(index)}; should be string`);
    return item.entries.has(index) ? item.entries.get(index) : item.zero;
  }
  throw new Error(`can't index item of type ${typeOf(item)}`);
}

function sliced(item: TemplateValue, indexes: Values): TemplateValue {
  if (indexes.length > 3) throw new Error(`too many slice indexes: ${indexes.length}`);
  if (typeof item !== "string" && !isSlice(item)) throw new Error(`can't slice item of type ${typeOf(item)}`);
  if (typeof item === "string" && indexes.length === 3) throw new Error("cannot 3-index slice a string");
  const elements = typeof item === "string" ? Buffer.from(item) : item;
  const bounds = [0, elements.length];
  for (const [place, index] of indexes.entries()) bounds[place] = position(index, elements.length);
  for (let place = 1; place < bounds.length; place++) {
    const [from, to] = [bounds[place - 1]!, bounds[place]!];
    if (from > to) throw new Error(`invalid slice index: ${from} > ${to}`);
  }
  const part = elements.slice(bounds[0], bounds[1]);
  return Buffer.isBuffer(part) ? part.toString() : (part as Values);
}

function position(index: TemplateValue, length: number): number {
  if (index === undefined) throw new Error("cannot index slice/array with nil");
  if (typeof index !== "number") throw new Error(`cannot index slice/array with type ${typeOf(index)}`);
  if (index < 0 || index > length) throw new Error(`index out of range: ${index}`);
  return index;
}

function lengthOf(item: TemplateValue): number {
  if (typeof item === "string") return Buffer.byteLength(item);
  if (isSlice(item)) return item.length;
  if (typeof item === "object" && item.go === "map") return item.entries.size;
  if (item === undefined) throw new Error("reflect: call of reflect.Value.Type on zero Value");
  throw new Error(`len of type ${typeOf(item)}`);
}

type Basic = { readonly kind: "string" | "int" | "float" | "bool"; readonly value: string | number | boolean };

function basic(value: TemplateValue): Basic | undefined {
  if (typeof value === "string") return { kind: "string", value };
  if (typeof value === "number") return { kind: "int", value };
  if (typeof value === "boolean") return { kind: "bool", value };
  return typeof value === "object" && "go" in value && value.go === "float"
    ? { kind: "float", value: value.value }
    : undefined;
}

function isEqual(a: TemplateValue, b: TemplateValue): boolean {
  if (a === undefined || b === undefined) return a === b;
  const [left, right] = [basic(a), basic(b)];
  if (left?.kind !== right?.kind) throw incompatible(a, b);
  if (left && right) return left.value === right.value;
  if (typeof a === "object" && "go" in a && a.go === "struct") {
    // Loaded only here: in Bun it takes 5 MB, and next to no template compares structs.
    return process.getBuiltinModule("node:util").isDeepStrictEqual(a, b);
  }
  throw new Error(`non-comparable type ${sprint([a])}: ${typeOf(b)}`);
}

function isLess(a: TemplateValue, b: TemplateValue): boolean {
  const [left, right] = [basic(a), basic(b)];
  if (!left || !right) throw new Error("invalid type for comparison");
  if (left.kind !== right.kind) throw incompatible(a, b);
  if (left.kind === "bool") throw new Error("invalid type for comparison");
  if (left.kind === "string")
    return Buffer.compare(Buffer.from(String(left.value)), Buffer.from(String(right.value))) < 0;
  return left.value < right.value;
}

function incompatible(a: TemplateValue, b: TemplateValue): Error {
  return new Error(`incompatible types for comparison: ${typeOf(a)} and ${typeOf(b)}`);
}
