import type { MetricCollector } from "../metric/collector.ts";
import type { MultiScaler } from "../multi-scaler.ts";
import type { KeyMemory, Standby } from "./memory.ts";

/** What is under way for keys, and how it passes from one replica to the next. */
export interface Succession {
  /** What is known of a key that is worked on here; with `fromMs`, only the load of that second and later ones. */
  memoryOf(key: string, fromMs?: number): KeyMemory | undefined;
  /** Ends working on a key that is not ours any more; what was known of it is kept for whoever goes on. */
  letGo(key: string): void;
  /** Takes in what another replica told. */
  learn(key: string, memory: KeyMemory): void;
  /** The keys that are worked on here. */
  keys(): readonly string[];
}

/**
 * Joins what is collected and decided here with what others told. Telling of a key that is ours counts as long as we
 * have not seen a full window of it ourselves: it was under way when we took the key over.
 */
export function createSuccession(
  collector: MetricCollector,
  multiScaler: MultiScaler,
  standby: Standby,
  owns: (key: string) => boolean,
): Succession {
  const memoryOf = (key: string, fromMs?: number): KeyMemory | undefined => {
    const history = collector.history(key);
    if (!history) return undefined;
    const decider = multiScaler.memory(key);
    const decisions = multiScaler.decisions(key)?.recorded();
    const records = fromMs === undefined ? history.records() : history.from(fromMs);
    return { windowMs: history.windowMs(), records, ...(decider && { decider }), ...(decisions && { decisions }) };
  };

  return {
    memoryOf,
    letGo(key) {
      const memory = memoryOf(key);
      if (memory) standby.learn(key, memory);
      collector.forget(key);
      multiScaler.forget(key);
    },
    learn(key, memory) {
      // We may decide already and not collect yet: then collecting begins with what the standby has.
      if (!owns(key) || collector.history(key) === undefined) standby.learn(key, memory);
      if (owns(key) && collector.ageMs(key) >= memory.windowMs) return;
      // A key that was just lost may be ours again before we let go of it.
      collector.inherit(key, memory.records);
      multiScaler.inherit(key, memory);
    },
    keys: () => [...new Set([...collector.keys(), ...multiScaler.keys()])],
  };
}
