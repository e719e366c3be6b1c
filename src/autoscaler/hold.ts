/** The scale below which a revision is not brought, since not all of its load was seen. */
export interface Hold {
  readonly scale: number;
  readonly rule: HoldRule;
}

export type HoldRule = "kept after takeover" | "kept while data is missing";

export interface HoldInput {
  readonly nowMs: number;
  /** The revision's stable window. */
  readonly windowMs: number;
  /** Since when its load is known without a gap. */
  readonly knownSinceMs: number;
  /** The scale that was advised before; -1 when none was. */
  readonly before: number;
  /** What the load that was seen asks for. */
  readonly desired: number;
  /** Whether somebody else decided before, and no full window was seen since. */
  readonly tookOver: boolean;
}

/**
 * What to hold from now on: nothing, once a full window of load was seen. Until then seconds that nobody saw would count
 * as seconds without load, so the scale may rise but not fall.
 */
export function holdScale(hold: Hold | undefined, input: HoldInput): Hold | undefined {
  const { nowMs, windowMs, knownSinceMs, before, desired, tookOver } = input;
  if (nowMs - knownSinceMs >= windowMs) return undefined;
  const scale = Math.max(hold?.scale ?? before, desired);
  if (scale < 0) return undefined;
  return { scale, rule: hold?.rule ?? (tookOver ? "kept after takeover" : "kept while data is missing") };
}
