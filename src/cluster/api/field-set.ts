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

/** The paths of either set. What only one of them has is shared with the result. */
export function unionOf(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a)) return b;
  if (isEmptySet(b)) return a;
  const children = new Map(a.children);
  for (const [name, child] of b.children) {
    const other = children.get(name);
    children.set(name, other ? unionOf(other, child) : child);
  }
  return { self: a.self || b.self, children };
}

/** The paths that both sets have. */
export function intersectionOf(a: FieldSet, b: FieldSet): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [name, child] of a.children) {
    const other = b.children.get(name);
    const both = other && intersectionOf(child, other);
    if (both && !isEmptySet(both)) children.set(name, both);
  }
  return { self: a.self && b.self, children };
}

/** The paths of `a` that `b` lacks. What `b` does not touch is shared with the result. */
export function differenceOf(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(b)) return a;
  const children = new Map<string, FieldSet>();
  for (const [name, child] of a.children) {
    const other = b.children.get(name);
    const rest = other ? differenceOf(child, other) : child;
    if (!isEmptySet(rest)) children.set(name, rest);
  }
  return { self: a.self && !b.self, children };
}

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

/** A set as managedFields write it down. */
export type FieldsV1 = Readonly<Record<string, unknown>>;

/** Whether any path of the set is in a set in the FieldsV1 form. */
export function overlaps(fields: FieldsV1, set: FieldSet): boolean {
  for (const [name, child] of set.children) {
    const below = fieldsBelow(fields, name);
    if (below && ((child.self && isMember(below)) || overlaps(below, child))) return true;
  }
  return false;
}

/** Whether every path of the set is in a set in the FieldsV1 form. */
export function contains(fields: FieldsV1, set: FieldSet): boolean {
  for (const [name, child] of set.children) {
    const below = fieldsBelow(fields, name);
    if (!below || (child.self && !isMember(below)) || !contains(below, child)) return false;
  }
  return true;
}

function fieldsBelow(fields: FieldsV1, name: string): FieldsV1 | undefined {
  return Object.hasOwn(fields, name) ? (fields[name] as FieldsV1) : undefined;
}

function isMember(fields: FieldsV1): boolean {
  return "." in fields || Object.keys(fields).length === 0;
}

/** The FieldsV1 form: members are `{}`, members with members below carry ".". */
export function toFieldsV1(set: FieldSet): FieldsV1 {
  const result: Record<string, unknown> = {};
  if (set.self && set.children.size > 0) result["."] = {};
  for (const name of [...set.children.keys()].sort()) {
    const child = set.children.get(name)!;
    if (!isEmptySet(child)) result[name] = toFieldsV1(child);
  }
  return result;
}

/** Reads FieldsV1; what is not an object counts as empty. */
export function fromFieldsV1(fields: FieldsV1): FieldSet {
  const result = makeFieldSet();
  for (const [name, value] of Object.entries(fields)) {
    if (name === ".") {
      result.self = true;
      continue;
    }
    const below = typeof value === "object" && value !== null ? (value as FieldsV1) : {};
    const child = fromFieldsV1(below);
    if (Object.keys(below).length === 0) child.self = true;
    result.children.set(name, child);
  }
  return result;
}
