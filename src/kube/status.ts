import { semanticEqual } from "./semantic.ts";

/**
 * The status to write, or undefined when it says what is stored already. Conditions that differ in nothing but the
 * time of their last transition keep the stored time.
 */
export function changedStatus<S>(stored: S | undefined, wanted: S): S | undefined {
  const groomed = keepTransitionTimes(stored, wanted);
  return semanticEqual(stored, groomed) ? undefined : groomed;
}

/** Whether the status to write says nothing new but in these fields. */
export function differsOnlyIn<S extends object>(
  stored: S | undefined,
  wanted: S,
  fields: readonly (keyof S)[],
): boolean {
  const rest = { ...stored } as S;
  for (const field of fields) rest[field] = wanted[field];
  return stored !== undefined && changedStatus(rest, wanted) === undefined;
}

interface WithConditions {
  readonly conditions?: readonly { readonly type: string; readonly lastTransitionTime?: string }[];
}

function keepTransitionTimes<S>(stored: S | undefined, wanted: S): S {
  const before = (stored as WithConditions | undefined)?.conditions;
  const after = (wanted as WithConditions).conditions;
  if (!Array.isArray(before) || !Array.isArray(after)) return wanted;
  const conditions = after.map((condition: { type: string; lastTransitionTime?: string }) => {
    const same = before.find(({ type }: { type: string }) => type === condition.type);
    if (!same?.lastTransitionTime) return condition;
    const kept = { ...condition, lastTransitionTime: same.lastTransitionTime };
    return semanticEqual(same, kept) ? kept : condition;
  });
  return { ...wanted, conditions };
}
