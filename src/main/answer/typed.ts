import { apiVersionOf, type Kind } from "../../apis/kind.ts";
import type { KubeObject } from "../../apis/meta.ts";

/** Inputs may come without their apiVersion and kind, which references to them need. */
export function typed<T extends KubeObject>(kind: Kind<T>, object: T): T {
  return { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind };
}
