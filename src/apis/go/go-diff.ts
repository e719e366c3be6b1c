import { goQuote } from "../../lib/go-quote.ts";
import { parseQuantity } from "../../lib/quantity.ts";
import { editScript, type Likeness } from "./edit-script.ts";
import { fieldValue, goIntOrString, printGo, sortedEntries } from "./go-print.ts";
import { type GoStruct, type GoType, structOf } from "./go-types.ts";

/** Called for every leaf that was compared. A missing element of a list or map is `absent`. */
type Visit = (isEqual: boolean, path: string, type: GoType, before: unknown, after: unknown, isTarget: boolean) => void;

const absent = Symbol("absent");

/**
 * The changes of a Go struct, two or three lines for each field, as users of Knative know them. `root` is how the
 * struct itself is called. Empty where nothing has changed.
 * Source: knative.dev/pkg kmp.ShortDiff, on github.com/google/go-cmp v0.6.0.
 */
export function goDiff(root: string, type: GoStruct, before: unknown, after: unknown): string {
  let text = "";
  const visit: Visit = (isEqual, path, leafType, old, now, isTarget) => {
    if (isEqual) return;
    text += `${isTarget ? "*" : ""}${path}:\n`;
    if (old !== absent) text += line("-", leafType, old);
    if (now !== absent) text += line("+", leafType, now);
  };
  compare(type, before, after, root, visit);
  return text;
}

function line(sign: "-" | "+", type: GoType, value: unknown): string {
  const isStruct = structOf(type) !== undefined || type === "Quantity";
  const name = type === "Quantity" ? "resource.Quantity" : `v1.${type}`;
  return `\t${sign}: ${isStruct ? `${name}: ` : ""}"${printGo(type, value)}"\n`;
}

function compare(type: GoType, before: unknown, after: unknown, path: string, visit: Visit): void {
  const struct = structOf(type);
  if (before === absent || after === absent) visit(false, path, type, before, after, false);
  else if (type.startsWith("*")) comparePointer(type, before, after, path, visit);
  else if (type.startsWith("[]")) compareList(type, before, after, path, visit);
  else if (type === "map") compareMap("string", type, before, after, path, visit);
  else if (type === "ResourceList") compareMap("Quantity", type, before, after, path, visit);
  else if (type === "IntOrString") compareIntOrString(before, after, path, visit);
  else if (!struct) visit(isEqualLeaf(type, before, after), path, type, before, after, false);
  else {
    for (const field of struct.fields) {
      compare(field.type, fieldValue(field, before), fieldValue(field, after), `${path}.${field.name}`, visit);
    }
  }
}

function comparePointer(type: GoType, before: unknown, after: unknown, path: string, visit: Visit): void {
  const target = type.slice(1);
  if (before === undefined || after === undefined) visit(before === after, path, type, before, after, false);
  else if (structOf(target)) compare(target, before, after, path, visit);
  else visit(isEqualLeaf(target, before, after), path, target, before, after, true);
}

function compareList(type: GoType, before: unknown, after: unknown, path: string, visit: Visit): void {
  if (before === undefined || after === undefined) {
    visit(before === after, path, type, before, after, false);
    return;
  }
  const item = type.slice(2);
  const [old, now] = [before as unknown[], after as unknown[]];
  let [x, y] = [0, 0];
  for (const edit of editScript(old.length, now.length, (i, j) => likeness(item, old[i], now[j]))) {
    if (edit === "removed") compare(item, old[x], absent, `${path}[${x++}->?]`, visit);
    else if (edit === "added") compare(item, absent, now[y], `${path}[?->${y++}]`, visit);
    else {
      compare(item, old[x], now[y], x === y ? `${path}[${x}]` : `${path}[${x}->${y}]`, visit);
      x++;
      y++;
    }
  }
}

function likeness(type: GoType, before: unknown, after: unknown): Likeness {
  let [same, different] = [0, 0];
  compare(type, before, after, "", (isEqual) => {
    if (isEqual) same++;
    else different++;
  });
  return { same, different };
}

function compareMap(item: GoType, type: GoType, before: unknown, after: unknown, path: string, visit: Visit): void {
  if (before === undefined || after === undefined) {
    visit(before === after, path, type, before, after, false);
    return;
  }
  const [old, now] = [before as Record<string, unknown>, after as Record<string, unknown>];
  for (const [key] of sortedEntries({ ...old, ...now })) {
    const entryOf = (map: Record<string, unknown>) => (Object.hasOwn(map, key) ? map[key] : absent);
    compare(item, entryOf(old), entryOf(now), `${path}[${goQuote(key)}]`, visit);
  }
}

function compareIntOrString(before: unknown, after: unknown, path: string, visit: Visit): void {
  const [old, now] = [goIntOrString(before), goIntOrString(after)];
  visit(old.kind === now.kind, `${path}.Type`, "int64", old.kind, now.kind, false);
  visit(old.number === now.number, `${path}.IntVal`, "int32", old.number, now.number, false);
  visit(old.text === now.text, `${path}.StrVal`, "string", old.text, now.text, false);
}

function isEqualLeaf(type: GoType, before: unknown, after: unknown): boolean {
  if (before === after) return true;
  if (type !== "Quantity") return zeroOf(type, before) === zeroOf(type, after);
  return parseQuantity(String(before ?? "0")).nano === parseQuantity(String(after ?? "0")).nano;
}

function zeroOf(type: GoType, value: unknown): unknown {
  return value ?? (type === "string" ? "" : type === "bool" ? false : type === "Time" ? undefined : 0);
}
