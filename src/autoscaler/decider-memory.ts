import { type DeciderState, mergeDeciderStates } from "./decide.ts";
import type { RecordedDecision } from "./explain/decision-ring.ts";

/** What a decider remembers, for whoever decides next. */
export interface DeciderMemory {
  readonly state: DeciderState;
  readonly desiredScale: number;
  /** It took over and was told nothing of what was decided before, less than a window ago. */
  readonly isPartial?: true;
}

/** What two replicas remember of one revision's decider, taken together. */
export function mergeDeciders(ours: DeciderMemory, theirs: DeciderMemory): DeciderMemory {
  return {
    state: mergeDeciderStates(ours.state, theirs.state),
    desiredScale: Math.max(ours.desiredScale, theirs.desiredScale),
    ...(ours.isPartial && theirs.isPartial && { isPartial: true }),
  };
}

/** What one decider leaves to the next. */
export interface DeciderInheritance {
  readonly decider?: DeciderMemory;
  readonly decisions?: readonly RecordedDecision[];
}
