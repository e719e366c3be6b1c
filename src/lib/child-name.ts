import { createHash } from "node:crypto";

const longest = 63;
const hashLength = 32;
const headLength = longest - hashLength;

/**
 * The name of an object that belongs to `parent`: both joined, hashed in part where that is longer than Kubernetes
 * allows. Source: knative.dev/pkg kmeta.ChildName, as serving v0.42.2 requires it.
 */
export function childName(parent: string, suffix: string): string {
  if (parent.length <= longest - suffix.length) return parent + suffix;
  if (headLength - suffix.length > 0) {
    return parent.slice(0, headLength - suffix.length) + md5(parent) + suffix;
  }
  const name = parent.slice(0, headLength) + md5(parent + suffix);
  const padded = name + suffix.slice(0, Math.max(0, longest - name.length));
  return padded.replace(/[^a-zA-Z0-9]+$/, "");
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}
