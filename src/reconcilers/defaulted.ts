import type { AdmissionKind } from "../apis/admission-kind.ts";
import type { KubeObject } from "../apis/meta.ts";
import type { ServingConfig } from "../config/serving-config.ts";

/**
 * A copy of a stored object with today's defaults, as admission would fill them in. Objects that were stored before a
 * default existed then look like those made today, so that a new default alone changes nothing.
 * Source: knative.dev/pkg reconciler.PreProcessReconcile, as serving v0.42.2 requires it.
 */
export function defaulted<T extends KubeObject>(object: T, admission: AdmissionKind, config: ServingConfig): T {
  const copy = structuredClone(object);
  admission.setDefaults(copy, { config, operation: undefined, old: undefined, subresource: "", userName: "" });
  return copy;
}
