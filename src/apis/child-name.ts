import { createHash } from "node:crypto";

const longest = 63;
const head = longest - 32;

/**
 * The name of an object made for `parent`: both texts together or, where that is longer than a label value may be, a
 * shortened parent with its MD5 sum. Source: knative.dev/pkg kmeta.ChildName, as serving v0.42.2 requires it.
 */
export function childName(parent: string, suffix: string): string {
  if (parent.length <= longest - suffix.length) return parent + suffix;
  if (suffix.length < head) return parent.slice(0, head - suffix.length) + md5(parent) + suffix;
  const name = (parent.slice(0, head) + md5(parent + suffix) + suffix).slice(0, longest);
  return name.replace(/[^a-zA-Z0-9]+$/, "");
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}
