import type { DeciderSpec } from "./decide.ts";

/** The settings of a default cluster, as far as a test does not say otherwise. */
export const testSpec: DeciderSpec = {
  maxScaleUpRate: 1000,
  maxScaleDownRate: 2,
  scalingMetric: "concurrency",
  targetValue: 70,
  totalValue: 100,
  targetBurstCapacity: 0,
  activatorCapacity: 100,
  panicThreshold: 2,
  stableWindowMs: 60_000,
  scaleDownDelayMs: 0,
  initialScale: 1,
  reachable: true,
  activationScale: 0,
};
