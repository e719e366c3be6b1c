/**
 * A set of field paths, as managedFields record it: a tree whose nodes are path elements in the notation of FieldsV1
 * (`f:name`, `k:{"name":"x"}`, `v:"x"`, `i:0`). `self` says that the path ending here is in the set.
 * Source: sigs.k8s.io/structured-merge-diff fieldpath.Set.
 */
export interface FieldSet {
  self: boolean;
  readonly children: Map<string, FieldSet>;
}

export type FieldPath = readonly string[];

export function makeFieldSet(): FieldSet {
  return { self: false, children: new Map() };
}

export function isEmptySet(set: FieldSet): boolean {
  if (set.self) return false;
  for (const child of set.children.values()) if (!isEmptySet(child)) return false;
  return true;
}

/** The node of a child, made when it is not there yet. */
export function childOf(set: FieldSet, element: string): FieldSet {
  let child = set.children.get(element);
  if (!child) {
    child = makeFieldSet();
    set.children.set(element, child);
  }
  return child;
}

export function insertPath(set: FieldSet, path: FieldPath): void {
  let node = set;
  for (const element of path) node = childOf(node, element);
  node.self = true;
}

/** Combines two sets path by path; `keep` says which paths stay, from whether each side has them. */
function combine(
  a: FieldSet | undefined,
  b: FieldSet | undefined,
  keep: (a: boolean, b: boolean) => boolean,
): FieldSet {
  const result = makeFieldSet();
  result.self = keep(a?.self ?? false, b?.self ?? false);
  const names = new Set([...(a?.children.keys() ?? []), ...(b?.children.keys() ?? [])]);
  for (const name of names) {
    const child = combine(a?.children.get(name), b?.children.get(name), keep);
    if (!isEmptySet(child)) result.children.set(name, child);
  }
  return result;
}

export const unionOf = (a: FieldSet, b: FieldSet) => combine(a, b, (inA, inB) => inA || inB);
export const intersectionOf = (a: FieldSet, b: FieldSet) => combine(a, b, (inA, inB) => inA && inB);
export const differenceOf = (a: FieldSet, b: FieldSet) => combine(a, b, (inA, inB) => inA && !inB);

/** Leaves out every path of `b` together with all that lies below it. */
export function withoutSubtrees(a: FieldSet, b: FieldSet): FieldSet {
  const result = makeFieldSet();
  result.self = a.self;
  for (const [name, child] of a.children) {
    const excluded = b.children.get(name);
    if (excluded?.self) continue;
    const rest = excluded ? withoutSubtrees(child, excluded) : child;
    if (!isEmptySet(rest)) result.children.set(name, rest);
  }
  return result;
}

/** The paths of a set, in the order of their text. */
export function pathsOf(set: FieldSet, prefix: FieldPath = []): FieldPath[] {
  const own = set.self && prefix.length > 0 ? [prefix] : [];
  const below = [...set.children]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([element, child]) => pathsOf(child, [...prefix, element]));
  return [...own, ...below];
}

/** Prints a path as conflict messages do: `.spec.containers[name="a"].image`. */
export function printPath(path: FieldPath): string {
  return path
    .map((element) => {
      const value = element.slice(2);
      if (element.startsWith("f:")) return `.${value}`;
      if (element.startsWith("v:")) return `[=${value}]`;
      if (element.startsWith("i:")) return `[${value}]`;
      const keys = Object.entries(JSON.parse(value) as Record<string, unknown>);
      return `[${keys.map(([key, part]) => `${key}=${JSON.stringify(part)}`).join(",")}]`;
    })
    .join("");
}

/** The FieldsV1 form: members are `{}`, members with members below carry ".". */
export function toFieldsV1(set: FieldSet): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  if (set.self && set.children.size > 0) result["."] = {};
  for (const name of [...set.children.keys()].sort()) {
    const child = set.children.get(name)!;
    if (!isEmptySet(child)) result[name] = toFieldsV1(child);
  }
  return result;
}

/** Reads FieldsV1; what is not an object counts as empty. */
export function fromFieldsV1(fields: Record<string, unknown>): FieldSet {
  const result = makeFieldSet();
  for (const [name, value] of Object.entries(fields)) {
    if (name === ".") {
      result.self = true;
      continue;
    }
    const below = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
    const child = fromFieldsV1(below);
    if (Object.keys(below).length === 0) child.self = true;
    result.children.set(name, child);
  }
  return result;
}
