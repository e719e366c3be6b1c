import type { CancelTimer, Clock } from "../lib/clock.ts";
import { startTicker } from "../lib/ticker.ts";
import {
  type DeciderSpec,
  type DeciderState,
  type Decision,
  decide,
  initialDeciderState,
  type Observation,
  tickIntervalMs,
} from "./decide.ts";

/** The scale that is advised for a revision; `desiredScale` is -1 until there is data to advise on. */
export interface Advice {
  readonly desiredScale: number;
  readonly excessBurstCapacity: number;
}

/** One decision with what it was made from: the answer to "why so many pods?". */
export interface Explanation extends Decision, Observation {
  /** Unix milliseconds. */
  readonly atMs: number;
  readonly targetValue: number;
  readonly scalingMetric: string;
}

export interface MultiScaler {
  /** Begins to decide for "namespace/name", or takes its changed settings over; returns the present advice. */
  advise(key: string, spec: DeciderSpec): Advice;
  forget(key: string): void;
  /** The latest decisions that changed the advice, oldest first, and the very latest one. */
  history(key: string): readonly Explanation[];
  /** Calls back with every decision, whether it changes something or not. */
  onDecision(handler: (key: string, decision: Explanation) => void): () => void;
  /** Calls back with the key whenever the advice changes. */
  onAdvice(handler: (key: string) => void): () => void;
  close(): void;
}

/** Looks at a revision; undefined when its load or its pods are not known, so that nothing can be decided. */
export type Observe = (key: string, spec: DeciderSpec) => Observation | undefined;

const historyLength = 64;

interface Scaler {
  spec: DeciderSpec;
  state: DeciderState;
  advice: Advice;
  latest: Explanation | undefined;
  readonly changes: Explanation[];
  readonly stop: CancelTimer;
}

/** Decides for many revisions, each on a tick of its own. Source: serving v0.42.2 pkg/autoscaler/scaling multiscaler.go. */
export function createMultiScaler(observe: Observe, countReady: (key: string) => number, clock: Clock): MultiScaler {
  const scalers = new Map<string, Scaler>();
  const handlers = new Set<(key: string) => void>();
  const listeners = new Set<(key: string, decision: Explanation) => void>();

  const tick = (key: string) => {
    const scaler = scalers.get(key);
    const observation = scaler && observe(key, scaler.spec);
    if (!scaler || !observation) return;
    const { spec, advice: before } = scaler;
    const { state, decision } = decide(spec, scaler.state, observation, clock.now());
    scaler.state = state;
    scaler.advice = { desiredScale: decision.desiredPods, excessBurstCapacity: decision.excessBurstCapacity };
    scaler.latest = {
      ...decision,
      ...observation,
      atMs: clock.now(),
      targetValue: spec.targetValue,
      scalingMetric: spec.scalingMetric,
    };
    for (const listener of listeners) listener(key, scaler.latest);
    const changed = before.desiredScale !== decision.desiredPods;
    if (changed) {
      scaler.changes.push(scaler.latest);
      if (scaler.changes.length > historyLength) scaler.changes.shift();
    }
    if (changed || before.excessBurstCapacity < 0 !== decision.excessBurstCapacity < 0) {
      for (const handler of handlers) handler(key);
    }
  };

  return {
    advise(key, spec) {
      const known = scalers.get(key);
      if (known) {
        known.spec = spec;
        return known.advice;
      }
      const scaler: Scaler = {
        spec,
        state: initialDeciderState(spec, countReady(key), clock.now()),
        advice: { desiredScale: -1, excessBurstCapacity: initialBurstCapacity(spec) },
        latest: undefined,
        changes: [],
        stop: startTicker(clock, tickIntervalMs, () => tick(key)),
      };
      scalers.set(key, scaler);
      return scaler.advice;
    },
    forget(key) {
      scalers.get(key)?.stop();
      scalers.delete(key);
    },
    history(key) {
      const scaler = scalers.get(key);
      if (!scaler?.latest) return [];
      return scaler.changes.at(-1) === scaler.latest ? scaler.changes : [...scaler.changes, scaler.latest];
    },
    onDecision(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onAdvice(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    close() {
      for (const scaler of scalers.values()) scaler.stop();
      scalers.clear();
    },
  };
}

function initialBurstCapacity({ targetBurstCapacity, initialScale, totalValue }: DeciderSpec): number {
  if (targetBurstCapacity === -1 || targetBurstCapacity === 0) return targetBurstCapacity;
  return Math.trunc(initialScale * totalValue - targetBurstCapacity);
}
