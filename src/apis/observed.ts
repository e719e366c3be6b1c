import type { Clock } from "../lib/clock.ts";
import type { Condition, ConditionDraft, ConditionSet } from "./conditions.ts";
import type { KubeObject } from "./meta.ts";

/** A Knative object's status, as far as every kind has it. */
interface ObservedStatus {
  observedGeneration?: number;
  conditions?: readonly Condition[];
}

/**
 * Starts the conditions of a pass: what was never judged is Unknown, and so is readiness where the spec has changed
 * since. Source: knative.dev/pkg reconciler.PreProcessReconcile, as serving v0.42.2 requires it.
 */
export function draftConditions(
  object: KubeObject & { status?: ObservedStatus },
  set: ConditionSet,
  clock: Pick<Clock, "now">,
): ConditionDraft {
  const draft = set.draft(object.status?.conditions, clock);
  draft.initialize();
  if ((object.status?.observedGeneration ?? 0) !== (object.metadata.generation ?? 0)) {
    draft.markUnknown(set.happy, "NewObservedGenFailure", "unsuccessfully observed a new generation");
  }
  return draft;
}

/** The fields of status that say which generation was looked at and what was found. */
export function observed(
  object: KubeObject,
  conditions: ConditionDraft,
): { observedGeneration?: number; conditions: Condition[] } {
  const { generation } = object.metadata;
  return { ...(generation !== undefined && { observedGeneration: generation }), conditions: conditions.all() };
}
