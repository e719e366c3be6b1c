import { type DeciderInheritance, type DeciderMemory, mergeDeciders } from "../decider-memory.ts";
import { joinDecisions, type RecordedDecision } from "../explain/decision-ring.ts";
import { createLoadHistory, type LoadHistory, type LoadRecord } from "../windows/load-history.ts";

/** What a replica tells the others about one revision: everything, or what came since it last told. */
export interface KeyMemory extends DeciderInheritance {
  readonly windowMs: number;
  readonly records: readonly LoadRecord[];
}

/** What this replica knows of revisions that others scale, so that it can go on where they stop. */
export interface Standby {
  /** Takes in what was told: in addition to what is known, later seconds replacing earlier versions of themselves. */
  learn(key: string, memory: KeyMemory): void;
  recall(key: string): KeyMemory | undefined;
  forget(key: string): void;
  keys(): readonly string[];
}

interface Remembered {
  readonly history: LoadHistory;
  windowMs: number;
  decider: DeciderMemory | undefined;
  decisions: readonly RecordedDecision[];
}

/** Nobody has so many revisions; it bounds what a stranger on the port can make us keep. */
const maxKeys = 20_000;

/** An empty memory. */
export function createStandby(): Standby {
  const remembered = new Map<string, Remembered>();
  return {
    learn(key, { windowMs, records, decider, decisions }) {
      const known = remembered.get(key) ?? {
        history: createLoadHistory(windowMs),
        windowMs,
        decider: undefined,
        decisions: [],
      };
      if (known.windowMs !== windowMs) known.history.resize(windowMs);
      known.windowMs = windowMs;
      known.history.replace(records);
      if (decider) known.decider = decider.isPartial && known.decider ? mergeDeciders(known.decider, decider) : decider;
      if (decisions) known.decisions = joinDecisions(known.decisions, decisions);
      remembered.delete(key);
      remembered.set(key, known);
      if (remembered.size > maxKeys) remembered.delete(remembered.keys().next().value!);
    },
    recall(key) {
      const known = remembered.get(key);
      if (!known) return undefined;
      const { history, windowMs, decider, decisions } = known;
      return { windowMs, records: history.records(), ...(decider && { decider }), decisions };
    },
    forget: (key) => void remembered.delete(key),
    keys: () => [...remembered.keys()],
  };
}
