import type { Clock } from "../lib/clock.ts";
import { type Condition, type ConditionDraft, type ConditionSet, isFalse, isUnknown } from "./conditions.ts";
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

/** Most objects are ready within this time. */
const statusMayWaitMs = 3000;
/** How long numbers may wait that only inform people: they come in steps, and the last one counts. */
export const numbersMayWaitMs = 3000;
/** So long a part of something else may stay silent that has nothing to tell but that it waits. */
export const silenceMs = 10_000;

/**
 * How long the status of a pass may wait for a more telling one: a moment while readiness was and is Unknown for the
 * present generation, or was never judged. Then what is known changes fast, and nobody misses a state in between.
 * `isPart` says that another object tells people how this one is: then what was ready may count as ready a moment
 * longer, too.
 */
export function waitUnderWay(
  object: KubeObject & { status?: ObservedStatus },
  conditions: ConditionDraft,
  set: ConditionSet,
  { isPart = false, mayWaitMs = statusMayWaitMs } = {},
): { statusMayWaitMs?: number } {
  const before = object.status?.conditions?.find(({ type }) => type === set.happy);
  const isNew = object.status?.conditions === undefined;
  const sameGeneration = (object.status?.observedGeneration ?? 0) === (object.metadata.generation ?? 0);
  const wasUnderWay = isNew || (sameGeneration && isUnknown(before)) || (isPart && !isFalse(before));
  return isUnknown(conditions.get(set.happy)) && wasUnderWay ? { statusMayWaitMs: mayWaitMs } : {};
}
