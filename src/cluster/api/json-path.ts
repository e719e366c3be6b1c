import { isMap } from "./typed-values.ts";

/** Reads the values that a JSONPath names. */
export type JsonPath = (root: unknown) => unknown[];

type Step = (values: readonly unknown[]) => unknown[];

/**
 * Compiles the part of JSONPath that printer columns use: `.a.b`, `['a']`, `[0]`, `[*]`, `[?(@.type=="Ready")]`.
 * An expression that cannot be read names nothing.
 */
export function compileJsonPath(path: string): JsonPath {
  const steps: Step[] = [];
  let rest = path
    .trim()
    .replace(/^\{|\}$/g, "")
    .replace(/^\$/, "");
  if (rest !== "" && !/^[.[]/.test(rest)) rest = `.${rest}`;
  while (rest !== "") {
    const [step, length] = nextStep(rest) ?? [() => [], rest.length];
    steps.push(step);
    rest = rest.slice(length);
  }
  return (root) => steps.reduce<unknown[]>((values, step) => step(values), [root]);
}

function nextStep(text: string): [Step, number] | undefined {
  let match = /^\.((?:\\.|[^.[\\])+)/.exec(text);
  if (match) {
    const name = match[1]!.replace(/\\(.)/g, "$1");
    return [name === "*" ? every : field(name), match[0].length];
  }
  match = /^\['((?:\\.|[^'\\])*)'\]/.exec(text) ?? /^\["((?:\\.|[^"\\])*)"\]/.exec(text);
  if (match) return [field(match[1]!.replace(/\\(.)/g, "$1")), match[0].length];
  match = /^\[\*\]/.exec(text);
  if (match) return [every, match[0].length];
  match = /^\[(-?\d+)\]/.exec(text);
  if (match) {
    const index = Number(match[1]);
    return [
      (values) => values.flatMap((value) => (Array.isArray(value) ? value.slice(index).slice(0, 1) : [])),
      match[0].length,
    ];
  }
  match = /^\[\?\(\s*@((?:\.[\w-]+|\['[^']+'\])+)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)'|([^)\s]+))\s*\)\]/.exec(text);
  if (match) {
    const inner = compileJsonPath(match[1]!);
    const wanted = match[3] ?? match[4] ?? match[5]!;
    const equal = match[2] === "==";
    const keep = (item: unknown) => (String(inner(item)[0]) === wanted) === equal;
    return [(values) => values.flatMap((value) => (Array.isArray(value) ? value.filter(keep) : [])), match[0].length];
  }
  return undefined;
}

const every: Step = (values) =>
  values.flatMap((value) => (Array.isArray(value) ? value : isMap(value) ? Object.values(value) : []));

const field =
  (name: string): Step =>
  (values) =>
    values.flatMap((value) => (isMap(value) && value[name] !== undefined ? [value[name]] : []));
