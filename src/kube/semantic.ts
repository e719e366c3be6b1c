/**
 * Whether two JSON values mean the same to Kubernetes: an absent field, null, an empty list and a map of nothing are
 * all nothing, and the order of fields does not matter. Source: k8s.io/apimachinery v0.29.2, equality.Semantic, on
 * what Go's JSON makes of empty structs (`resources: {}`, `metadata: {creationTimestamp: null}`).
 */
export function semanticEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isNothing(a) || isNothing(b)) return isNothing(a) && isNothing(b);
  if (typeof a !== "object" || typeof b !== "object") return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((part, at) => semanticEqual(part, b[at]))
    );
  }
  const left = a as Readonly<Record<string, unknown>>;
  const right = b as Readonly<Record<string, unknown>>;
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  for (const name of names) if (!semanticEqual(left[name], right[name])) return false;
  return true;
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value !== "object") return false;
  return Array.isArray(value) ? value.length === 0 : Object.values(value).every(isNothing);
}

/**
 * Whether `present` says all that `wanted` says; what only `present` has, such as the server's defaults, does not count.
 * Lists must be equally long.
 */
export function semanticCovers(present: unknown, wanted: unknown): boolean {
  if (isNothing(wanted)) return true;
  if (typeof present !== "object" || typeof wanted !== "object" || present === null || wanted === null) {
    return present === wanted;
  }
  if (Array.isArray(present) || Array.isArray(wanted)) {
    return (
      Array.isArray(present) &&
      Array.isArray(wanted) &&
      present.length === wanted.length &&
      wanted.every((part, at) => semanticCovers(present[at], part))
    );
  }
  const have = present as Readonly<Record<string, unknown>>;
  return Object.entries(wanted).every(([name, value]) => semanticCovers(have[name], value));
}
