import type { AdmissionContext } from "./admission-kind.ts";
import { type Findings, invalidValue, problem } from "./field-error.ts";
import type { KubeObject } from "./meta.ts";
import type { Schema } from "./schema.ts";
import { semanticEqual } from "./semantic.ts";
import { creatorAnnotation, lastModifierAnnotation } from "./serving/labels.ts";

type WithSpec = KubeObject & { spec?: object };

/**
 * Notes on an object who created it and who changed its spec last; `specSchema` tells what a change is.
 * Source: serving v0.42.2 pkg/apis/serving SetUserInfo.
 */
export function noteUser(object: WithSpec, specSchema: Schema, context: AdmissionContext<WithSpec>): void {
  if (context.operation === undefined) return;
  const { old } = context;
  object.metadata.annotations ??= {};
  const annotations = object.metadata.annotations;
  if (!old) annotations[creatorAnnotation] = context.userName;
  else if (semanticEqual(specSchema, old.spec, object.spec)) return;
  annotations[lastModifierAnnotation] = context.userName;
}

/** Users may not change these annotations. Source: knative.dev/pkg apis.ValidateCreatorAndModifier. */
export function creatorAndModifier(object: WithSpec, old: WithSpec, specSchema: Schema): Findings {
  const before = old.metadata.annotations ?? {};
  const now = object.metadata.annotations ?? {};
  const creatorChanged = (before[creatorAnnotation] ?? "") !== (now[creatorAnnotation] ?? "");
  const modifierChanged = (before[lastModifierAnnotation] ?? "") !== (now[lastModifierAnnotation] ?? "");
  return [
    ...(creatorChanged ? problem("annotation value is immutable", creatorAnnotation) : []),
    ...(modifierChanged && semanticEqual(specSchema, old.spec, object.spec)
      ? invalidValue(now[lastModifierAnnotation] ?? "", lastModifierAnnotation)
      : []),
  ];
}
