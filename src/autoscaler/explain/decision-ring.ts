import { type Explanation, isHeldBack, type Rule } from "./explanation.ts";

/** Decisions of the same kind: the latest of them, how many they were, and when the first was. */
export interface RecordedDecision {
  readonly explanation: Explanation;
  readonly times: number;
  /** Unix milliseconds. */
  readonly firstAtMs: number;
}

/** What one revision's ring keeps. */
export interface DecisionRing {
  /** Takes in one decision; what neither changes the scale nor is held back only becomes the latest. */
  add(explanation: Explanation): void;
  /** The decisions that changed the scale or were held back, oldest first, at most 32. */
  recorded(): readonly RecordedDecision[];
  /** The last decision of all. */
  latest(): Explanation | undefined;
  /** What another replica recorded before: comes before our own. */
  inherit(earlier: readonly RecordedDecision[]): void;
}

const ringLength = 32;

/** An empty ring. Between two changes of scale there is one entry for each rule that held something back. */
export function createDecisionRing(): DecisionRing {
  let entries: RecordedDecision[] = [];
  let latest: Explanation | undefined;

  const sameSinceChange = (rule: Rule): number => {
    for (let position = entries.length - 1; position >= 0; position--) {
      const { explanation } = entries[position]!;
      if (explanation.rule === rule) return position;
      if (changes(explanation)) return -1;
    }
    return -1;
  };

  return {
    add(explanation) {
      latest = explanation;
      const { atMs, rule } = explanation;
      const fresh = { explanation, times: 1, firstAtMs: atMs };
      if (changes(explanation)) {
        entries.push(fresh);
      } else if (isHeldBack(explanation)) {
        const position = sameSinceChange(rule);
        const before = entries[position];
        if (before && changes(before.explanation)) entries[position] = { ...before, times: before.times + 1 };
        else if (before) entries[position] = { ...before, explanation, times: before.times + 1 };
        else entries.push(fresh);
      }
      if (entries.length > ringLength) entries.shift();
    },
    recorded: () => entries,
    latest: () => latest,
    inherit(earlier) {
      entries = [...joinDecisions(earlier, entries)];
    },
  };
}

/** Both in order of time; of two that are the same decision, the one in `later`. */
export function joinDecisions(
  earlier: readonly RecordedDecision[],
  later: readonly RecordedDecision[],
): readonly RecordedDecision[] {
  const idOf = ({ firstAtMs, explanation }: RecordedDecision) => `${firstAtMs} ${explanation.rule}`;
  const ids = new Set(later.map(idOf));
  return [...earlier.filter((entry) => !ids.has(idOf(entry))), ...later]
    .sort((a, b) => a.firstAtMs - b.firstAtMs)
    .slice(-ringLength);
}

function changes({ before, want }: Explanation): boolean {
  return want >= 0 && want !== before;
}
