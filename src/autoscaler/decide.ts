import { currentMax, type MaxWindow, maxWindow, mergeMaxWindows, recordMax } from "./windows/max-window.ts";

/** How often each revision's scale is decided. Source: serving v0.42.2 pkg/autoscaler/scaling tickInterval. */
export const tickIntervalMs = 2000;

/** The settings of one revision's scaling, from its annotations and the cluster's configuration. */
export interface DeciderSpec {
  readonly maxScaleUpRate: number;
  readonly maxScaleDownRate: number;
  /** "concurrency" or "rps". */
  readonly scalingMetric: string;
  /** The value of the metric that one pod should have. */
  readonly targetValue: number;
  /** The value of the metric that one pod can bear. */
  readonly totalValue: number;
  /** Spare capacity to keep; 0 none, -1 unlimited. */
  readonly targetBurstCapacity: number;
  readonly activatorCapacity: number;
  /** Panic begins when the panic window asks for this many times the ready pods. */
  readonly panicThreshold: number;
  readonly stableWindowMs: number;
  readonly scaleDownDelayMs: number;
  readonly initialScale: number;
  /** Whether a route leads to the revision; an unreachable one may shrink at once. */
  readonly reachable: boolean;
  /** The least scale above zero; 0 or 1 when unset. */
  readonly activationScale: number;
}

/** What is remembered from one decision to the next. */
export interface DeciderState {
  /** When panic began or was last confirmed; undefined outside panic mode. */
  readonly panicSinceMs: number | undefined;
  readonly maxPanicPods: number;
  readonly delay: MaxWindow | undefined;
}

/** What was seen when a decision was due: the metric, averaged over all pods' sum, and the pods that are ready. */
export interface Observation {
  readonly readyPods: number;
  readonly stableValue: number;
  readonly panicValue: number;
}

/** Which rule had the last word over the number of pods. */
export type DecidingRule =
  | "stable window"
  | "panic window"
  | "panic: never fewer pods"
  | "max scale up rate"
  | "max scale down rate"
  | "activation scale"
  | "scale down delay";

export interface Decision {
  readonly desiredPods: number;
  readonly excessBurstCapacity: number;
  readonly mode: "stable" | "panic";
  readonly rule: DecidingRule;
  /** The pods that each window alone asks for. */
  readonly asked: { readonly stable: number; readonly panic: number };
  /** The fewest and the most pods that the rates allow, given those that are ready. */
  readonly rates: { readonly least: number; readonly most: number };
}

/**
 * The state of a new decider. With more than one pod already there it begins in panic, so that a restart of the
 * autoscaler, which has lost its metrics, does not shrink a revision before it has seen a full window.
 */
export function initialDeciderState(spec: DeciderSpec, readyPods: number, nowMs: number): DeciderState {
  return {
    panicSinceMs: readyPods > 1 ? nowMs : undefined,
    maxPanicPods: readyPods,
    delay: spec.scaleDownDelayMs > 0 ? maxWindow(spec.scaleDownDelayMs, tickIntervalMs) : undefined,
  };
}

/** What two replicas remember of one revision, taken together: whichever keeps more pods, for longer. */
export function mergeDeciderStates(ours: DeciderState, theirs: DeciderState): DeciderState {
  const since = [ours.panicSinceMs, theirs.panicSinceMs].filter((ms) => ms !== undefined);
  return {
    panicSinceMs: since.length > 0 ? Math.max(...since) : undefined,
    maxPanicPods: Math.max(ours.maxPanicPods, theirs.maxPanicPods),
    delay: ours.delay && theirs.delay ? mergeMaxWindows(ours.delay, theirs.delay) : (ours.delay ?? theirs.delay),
  };
}

/**
 * How many pods a revision should have now. Pure: the same inputs give the same answer.
 * Source: serving v0.42.2 pkg/autoscaler/scaling autoscaler.Scale.
 */
export function decide(
  spec: DeciderSpec,
  state: DeciderState,
  observation: Observation,
  nowMs: number,
): { readonly state: DeciderState; readonly decision: Decision } {
  const { readyPods, stableValue, panicValue } = observation;
  const capacityPods = Math.max(1, readyPods);
  const ceiling = Math.ceil(spec.maxScaleUpRate * capacityPods);
  const floor = spec.reachable ? Math.floor(capacityPods / spec.maxScaleDownRate) : 0;

  const stableAsk = Math.ceil(stableValue / spec.targetValue);
  const panicAsk = Math.ceil(panicValue / spec.targetValue);
  const stable = bounded(stableAsk, floor, ceiling, spec.activationScale, "stable window");
  const panicking = bounded(panicAsk, floor, ceiling, spec.activationScale, "panic window");

  const overThreshold = panicAsk / capacityPods >= spec.panicThreshold;
  const panicSinceMs = overThreshold
    ? nowMs
    : state.panicSinceMs !== undefined && state.panicSinceMs + spec.stableWindowMs < nowMs
      ? undefined
      : state.panicSinceMs;
  const leftPanic = state.panicSinceMs !== undefined && panicSinceMs === undefined;
  let maxPanicPods = leftPanic ? 0 : state.maxPanicPods;

  let { pods, rule } = stable;
  if (panicSinceMs !== undefined) {
    if (pods < panicking.pods) ({ pods, rule } = panicking);
    if (pods < maxPanicPods) rule = "panic: never fewer pods";
    maxPanicPods = Math.max(maxPanicPods, pods);
    pods = maxPanicPods;
  }

  const delay = state.delay && recordMax(state.delay, nowMs, pods);
  if (delay && currentMax(delay) !== pods) {
    pods = currentMax(delay);
    rule = "scale down delay";
  }

  return {
    state: { panicSinceMs, maxPanicPods, delay },
    decision: {
      desiredPods: pods,
      excessBurstCapacity: excessBurstCapacity(spec, readyPods, panicValue),
      mode: panicSinceMs === undefined ? "stable" : "panic",
      rule,
      asked: { stable: stableAsk, panic: panicAsk },
      rates: { least: floor, most: ceiling },
    },
  };
}

function bounded(
  ask: number,
  floor: number,
  ceiling: number,
  activationScale: number,
  window: DecidingRule,
): { pods: number; rule: DecidingRule } {
  let pods = ask;
  let rule = window;
  if (pods < floor) {
    pods = floor;
    rule = "max scale down rate";
  }
  if (pods > ceiling) {
    pods = ceiling;
    rule = "max scale up rate";
  }
  if (activationScale > 1 && ask > 0 && activationScale > pods) {
    pods = activationScale;
    rule = "activation scale";
  }
  return { pods, rule };
}

function excessBurstCapacity(spec: DeciderSpec, readyPods: number, panicValue: number): number {
  if (spec.targetBurstCapacity === 0) return 0;
  if (spec.targetBurstCapacity < 0) return -1;
  return Math.floor(readyPods * spec.totalValue - spec.targetBurstCapacity - panicValue);
}
