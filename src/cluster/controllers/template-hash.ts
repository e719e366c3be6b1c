const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/**
 * A short, name-safe hash of a pod template, stable whatever the order of its fields. `collisionCount` makes another
 * one of the same template. Shape as k8s.io/kubernetes v1.34 controller.ComputeHash (FNV-1a 32, safe-encoded decimal);
 * the value differs from upstream's, which hashes a dump of Go structs.
 */
export function templateHash(template: unknown, collisionCount = 0): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(canonicalJson(template) + (collisionCount > 0 ? `#${collisionCount}` : ""))) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return [...String(hash)].map((digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join("");
}

/** JSON with sorted keys and without empty parts, which mean the same as absent ones. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value)
    .filter(([, part]) => !isEmpty(part))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, part]) => `${JSON.stringify(name)}:${canonicalJson(part)}`).join(",")}}`;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "object" && Object.keys(value).length === 0);
}
