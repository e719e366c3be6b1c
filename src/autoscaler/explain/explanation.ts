import type { DeciderSpec, DecidingRule, Decision, Observation } from "../decide.ts";
import type { HoldRule } from "../hold.ts";
import type { ScaleRule } from "../kpa/scale.ts";

export type Rule = DecidingRule | HoldRule | ScaleRule;

/** One decision with all that it was made from. */
export interface Explanation extends Omit<Decision, "rule">, Observation {
  /** Unix milliseconds. */
  readonly atMs: number;
  /** The pods that were wanted before; -1 when that was not known. */
  readonly before: number;
  /** The pods that are wanted now, within all bounds; -1 when nothing is to be done yet. */
  readonly want: number;
  /** The rule that had the last word over `want`. */
  readonly rule: Rule;
  /** The rule that had the last word over the advice, before bounds and the rules at zero. */
  readonly advisedBy: DecidingRule | HoldRule;
  readonly spec: DeciderSpec;
  readonly bounds: { readonly min: number; readonly max: number };
}

/** The rules that keep pods which the load does not ask for, or refuse pods for which it does. */
const holding: ReadonlySet<Rule> = new Set<Rule>([
  "panic: never fewer pods",
  "max scale up rate",
  "max scale down rate",
  "scale down delay",
  "kept after takeover",
  "kept while data is missing",
  "max scale",
]);

/** Whether the load asked for another number of pods than it got. */
export function isHeldBack({ rule }: Pick<Explanation, "rule">): boolean {
  return holding.has(rule);
}

/** Why so many pods, in a sentence without the number itself. */
function describeReason(explanation: Explanation): string {
  const { rule, asked, mode, spec, bounds, readyPods, stableValue, panicValue, rates } = explanation;
  const [value, window, pods] =
    mode === "panic" && asked.panic > asked.stable
      ? [panicValue, "the panic window", asked.panic]
      : [stableValue, seconds(spec.stableWindowMs), asked.stable];
  const unit = spec.scalingMetric === "rps" ? "requests a second" : "concurrent requests";
  const load = `${round(value)} ${unit} over ${window}, ${round(spec.targetValue)} for each pod`;
  const ask = `the load asks for ${pods} (${load})`;
  switch (rule) {
    case "stable window":
    case "panic window":
      return load;
    case "panic: never fewer pods":
      return `${ask}; in panic mode none is taken away`;
    case "max scale up rate":
      return `${ask}; max-scale-up-rate allows ${rates.most} while ${readyPods} are ready`;
    case "max scale down rate":
      return `${ask}; max-scale-down-rate allows no fewer than ${rates.least} while ${readyPods} are ready`;
    case "activation scale":
      return `${ask}; activation-scale is ${spec.activationScale}`;
    case "scale down delay":
      return `${ask}; scale-down-delay keeps what was wanted within ${seconds(spec.scaleDownDelayMs)}`;
    case "kept after takeover":
      return `${ask}; kept until this replica has seen the load for ${seconds(spec.stableWindowMs)}`;
    case "kept while data is missing":
      return `${ask}; kept until the pods' load was seen for ${seconds(spec.stableWindowMs)} without a gap`;
    case "min scale":
      return `${ask}; min-scale is ${bounds.min}`;
    case "max scale":
      return `${ask}; max-scale is ${bounds.max}`;
    case "initial scale":
      return `${ask}; initial-scale is ${spec.initialScale} and was not reached yet`;
    case "scale to zero is off":
      return "there is no load, and enable-scale-to-zero is false";
    case "a route may lead to it":
      return "there is no load, but a route may lead to it";
    case "no route leads to it":
      return "there is no load, and no route leads to it";
    case "still activating":
      return "there is no load, and it is still becoming active";
    case "activation timed out":
      return "it did not become active in time";
    case "nothing known":
      return "nothing is known of the load yet";
  }
}

/** Why so many pods, in a sentence. */
export function describe(explanation: Explanation): string {
  const { want } = explanation;
  return `${want} pod${want === 1 ? "" : "s"}: ${describeReason(explanation)}`;
}

function seconds(ms: number): string {
  return `${round(ms / 1000)} s`;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
