/**
 * The largest value of a sliding window, as a list that only ever falls: an older value that is not larger than a newer
 * one can never be the maximum again. Source: serving v0.42.2 pkg/autoscaler/aggregation/max.
 */
export interface MaxWindow {
  readonly windowMs: number;
  readonly granularityMs: number;
  readonly candidates: readonly { readonly index: number; readonly value: number }[];
}

export function maxWindow(windowMs: number, granularityMs: number): MaxWindow {
  return { windowMs, granularityMs, candidates: [] };
}

/** The window after `value` was seen at `nowMs` (Unix milliseconds; never earlier than the one before). */
export function recordMax(window: MaxWindow, nowMs: number, value: number): MaxWindow {
  const index = Math.trunc(Math.floor(nowMs / 1000) / Math.trunc(window.granularityMs / 1000));
  const size = Math.ceil(window.windowMs / window.granularityMs);
  const candidates = window.candidates.filter((candidate) => candidate.value > value && index - candidate.index < size);
  const newest = candidates.at(-1);
  // Two values in one slot: the larger one, which is already there, stands for both.
  if (newest?.index === index) return { ...window, candidates };
  return { ...window, candidates: [...candidates, { index, value }] };
}

/** The largest value in the window; 0 when nothing was recorded. */
export function currentMax(window: MaxWindow): number {
  return window.candidates[0]?.value ?? 0;
}

/** The window as though both had recorded into it. */
export function mergeMaxWindows(ours: MaxWindow, theirs: MaxWindow): MaxWindow {
  const all = [...ours.candidates, ...theirs.candidates].sort((a, b) => a.index - b.index || b.value - a.value);
  const candidates = all.filter(
    ({ index, value }, position) =>
      all[position - 1]?.index !== index &&
      all.slice(position + 1).every((later) => later.index === index || later.value < value),
  );
  return { ...ours, candidates };
}
