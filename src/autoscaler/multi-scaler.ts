import type { CancelTimer, Clock } from "../lib/clock.ts";
import { startTicker } from "../lib/ticker.ts";
import {
  type DeciderSpec,
  type DeciderState,
  decide,
  initialDeciderState,
  type Observation,
  tickIntervalMs,
} from "./decide.ts";
import { type DeciderInheritance, type DeciderMemory, mergeDeciders } from "./decider-memory.ts";
import { createDecisionRing, type DecisionRing } from "./explain/decision-ring.ts";
import { type Explanation, isHeldBack, type Rule } from "./explain/explanation.ts";
import { type Hold, holdScale } from "./hold.ts";
import type { ScaleRule } from "./kpa/scale.ts";
import { steadyTime } from "./steady-time.ts";

/** The scale that is advised for a revision; `desiredScale` is -1 until there is data to advise on. */
export interface Advice {
  readonly desiredScale: number;
  readonly excessBurstCapacity: number;
}

/** What is known of a revision beside its spec. */
export interface Subject {
  /** The scale that was set last, by whomever; -1 or absent when none was. */
  readonly wanted?: number | undefined;
  readonly bounds: { readonly min: number; readonly max: number };
  /** What becomes of the advice: the bounds and the rules at zero. */
  readonly plan: (advised: number) => { readonly want: number; readonly rule?: ScaleRule };
}

export interface MultiScaler {
  /** Begins to decide for "namespace/name", or takes its changed settings over; returns the present advice. */
  advise(key: string, spec: DeciderSpec, subject?: Subject): Advice;
  forget(key: string): void;
  /** Decides at once where nothing is wanted though there is load. */
  poke(key: string): void;
  /** The keys that are decided for. */
  keys(): readonly string[];
  /** The decisions of a key. */
  decisions(key: string): DecisionRing | undefined;
  memory(key: string): DeciderMemory | undefined;
  /** Takes in what another replica left, though this one decides already. */
  inherit(key: string, left: DeciderInheritance): void;
  /** Calls back with every decision, whether it changes something or not. */
  onDecision(handler: (key: string, decision: Explanation) => void): () => void;
  /** Calls back with the key whenever the advice changes, or begins to be held back. */
  onAdvice(handler: (key: string) => void): () => void;
  close(): void;
}

/** What is seen of a revision's load, and since when without a gap. */
export interface Sight extends Observation {
  /** Since when the load is known without a gap; for ever unless told. */
  readonly knownSinceMs?: number;
}

/** Looks at a revision; undefined when its load or its pods are not known, so that nothing can be decided. */
export type Observe = (key: string, spec: DeciderSpec) => Sight | undefined;

export interface MultiScalerOptions {
  /** Whether a key is ours; nothing is decided for what is not. All unless told. */
  readonly owns?: (key: string) => boolean;
  /** What the replica that decided before us left. */
  readonly inheritance?: (key: string) => DeciderInheritance | undefined;
  /** Told at every tick how late it is. */
  readonly onTick?: (latenessMs: number) => void;
}

/** That advice is held back by another rule is told that often at most. */
const newsIntervalMs = 30_000;

const unbounded: Subject = { bounds: { min: 0, max: 0 }, plan: (advised) => ({ want: advised }) };

interface Scaler {
  spec: DeciderSpec;
  subject: Subject;
  state: DeciderState;
  advice: Advice;
  hold: Hold | undefined;
  /** What the last decision wanted. */
  want: number;
  rule: Rule | undefined;
  toldAtMs: number;
  readonly beganMs: number;
  readonly tookOver: boolean;
  /** Nobody told what was decided before. */
  isPartial: boolean;
  readonly decisions: DecisionRing;
  readonly stop: CancelTimer;
}

/**
 * Decides for many revisions, each on a tick of its own. Source: serving v0.42.2 pkg/autoscaler/scaling multiscaler.go.
 * Unlike upstream it does not advise less than before as long as part of a window's load was not seen; see hold.ts.
 */
export function createMultiScaler(
  observe: Observe,
  countReady: (key: string) => number,
  clock: Clock,
  options: MultiScalerOptions = {},
): MultiScaler {
  const { owns = () => true, inheritance = () => undefined, onTick = () => {} } = options;
  const now = steadyTime(clock);
  const scalers = new Map<string, Scaler>();
  const handlers = new Set<(key: string) => void>();
  const listeners = new Set<(key: string, decision: Explanation) => void>();

  const tick = (key: string) => {
    const scaler = scalers.get(key);
    const sight = scaler && owns(key) ? observe(key, scaler.spec) : undefined;
    if (!scaler || !sight) return;
    const { spec, subject, advice: earlier, want: before } = scaler;
    const { knownSinceMs = Number.NEGATIVE_INFINITY, ...observation } = sight;
    const nowMs = now();
    const { state, decision } = decide(spec, scaler.state, observation, nowMs);
    const desired = decision.desiredPods;
    scaler.state = state;
    scaler.hold = holdScale(scaler.hold, {
      nowMs,
      windowMs: spec.stableWindowMs,
      knownSinceMs,
      before: earlier.desiredScale,
      desired,
      tookOver: scaler.tookOver && nowMs - scaler.beganMs < spec.stableWindowMs,
    });
    const desiredScale = Math.max(desired, scaler.hold?.scale ?? desired);
    scaler.advice = { desiredScale, excessBurstCapacity: decision.excessBurstCapacity };
    const advisedBy = scaler.hold && desiredScale > desired ? scaler.hold.rule : decision.rule;
    const { want, rule = advisedBy } = subject.plan(desiredScale);
    const explanation: Explanation = {
      ...decision,
      ...observation,
      atMs: clock.now(),
      before,
      want,
      rule,
      advisedBy,
      spec,
      bounds: subject.bounds,
    };
    if (want >= 0) scaler.want = want;
    scaler.decisions.add(explanation);
    for (const listener of listeners) listener(key, explanation);

    const changed = earlier.desiredScale !== desiredScale;
    const turned = earlier.excessBurstCapacity < 0 !== decision.excessBurstCapacity < 0;
    const news = rule !== scaler.rule && isHeldBack(explanation) && nowMs - scaler.toldAtMs >= newsIntervalMs;
    scaler.rule = rule;
    if (!changed && !turned && !news) return;
    scaler.toldAtMs = nowMs;
    for (const handler of handlers) handler(key);
  };

  const begin = (key: string, spec: DeciderSpec, subject: Subject): Scaler => {
    const { decider: inherited, decisions: earlier = [] } = inheritance(key) ?? {};
    const wanted = Math.max(inherited?.desiredScale ?? -1, subject.wanted ?? -1);
    const fresh = initialDeciderState(spec, countReady(key), now());
    // More is set than what we were told leads to: the latest decision was lost, and with it that panic began.
    const isBehind = inherited && wanted > Math.max(inherited.desiredScale, subject.plan(inherited.desiredScale).want);
    const scaler: Scaler = {
      spec,
      subject,
      state: {
        ...(inherited?.state ?? fresh),
        ...(isBehind && { panicSinceMs: now(), maxPanicPods: wanted }),
        delay: inherited?.state.delay ?? fresh.delay,
      },
      advice: { desiredScale: wanted, excessBurstCapacity: initialBurstCapacity(spec) },
      hold: undefined,
      want: subject.wanted ?? -1,
      rule: undefined,
      toldAtMs: Number.NEGATIVE_INFINITY,
      beganMs: now(),
      tookOver: wanted >= 0,
      isPartial: wanted >= 0 && (!inherited || inherited.isPartial === true),
      decisions: createDecisionRing(),
      stop: startTicker(clock, tickIntervalMs, (latenessMs) => {
        onTick(latenessMs);
        tick(key);
      }),
    };
    scaler.decisions.inherit(earlier);
    scalers.set(key, scaler);
    return scaler;
  };

  return {
    advise(key, spec, subject = unbounded) {
      const known = scalers.get(key);
      if (!known) return begin(key, spec, subject).advice;
      known.spec = spec;
      known.subject = subject;
      return known.advice;
    },
    forget(key) {
      scalers.get(key)?.stop();
      scalers.delete(key);
    },
    poke(key) {
      if (scalers.get(key)?.advice.desiredScale === 0) tick(key);
    },
    keys: () => [...scalers.keys()],
    decisions: (key) => scalers.get(key)?.decisions,
    memory(key) {
      const scaler = scalers.get(key);
      return scaler && memoryOf(scaler, now());
    },
    inherit(key, { decider, decisions }) {
      const scaler = scalers.get(key);
      if (!scaler) return;
      if (decisions) scaler.decisions.inherit(decisions);
      if (!decider) return;
      const { state, desiredScale, isPartial = false } = mergeDeciders(memoryOf(scaler, now()), decider);
      scaler.state = state;
      scaler.isPartial = isPartial;
      scaler.advice = { ...scaler.advice, desiredScale };
      if (scaler.hold) scaler.hold = { ...scaler.hold, scale: Math.max(scaler.hold.scale, desiredScale) };
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

function memoryOf({ state, advice, isPartial, beganMs, spec }: Scaler, nowMs: number): DeciderMemory {
  const { desiredScale } = advice;
  return { state, desiredScale, ...(isPartial && nowMs - beganMs < spec.stableWindowMs && { isPartial: true }) };
}

function initialBurstCapacity({ targetBurstCapacity, initialScale, totalValue }: DeciderSpec): number {
  if (targetBurstCapacity === -1 || targetBurstCapacity === 0) return targetBurstCapacity;
  return Math.trunc(initialScale * totalValue - targetBurstCapacity);
}
