import { recordingOf } from "../../src/autoscaler/simulate/recording.ts";
import { simulateAll } from "../../src/autoscaler/simulate/simulate.ts";
import type { Run } from "./run.ts";
import { endOf, loadOf, type Shape } from "./shapes.ts";

/** The least and the most, in milliseconds. */
export type Range = readonly [leastMs: number, mostMs: number];

/** When as many pods as the load needs were asked for and there, in milliseconds since it needed them; undefined: never. */
interface Rise {
  /** By the algorithm alone. Undefined when it may never ask for them, since the load falls before. */
  readonly simulated: Range | undefined;
  readonly askedMs: number | undefined;
  readonly readyMs: number | undefined;
}

export interface Figures {
  readonly requests: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostPods: number;
  /** How many pods the load needs at its highest. */
  readonly needed: number;
  readonly rise: Rise;
  /** From the end of the load to min-scale; simulated, and seen in pods that are asked for and ready. */
  readonly fall: { readonly simulated: Range; readonly seenMs: number | undefined };
}

export function figuresOf(run: Run): Figures {
  const { shape, sent, pods, begunAt, settings } = run;
  const target = Number(settings.target);
  const minScale = Number(settings["min-scale"]);
  const highest = Math.max(...shape.map(([, concurrency]) => concurrency));
  const needed = Math.min(Number(settings["max-scale"]), Math.ceil(highest / target));
  const roseMs = roseAt(shape, minScale * target) * 1000;
  const since = (atMs: number | undefined) => atMs && atMs - begunAt - roseMs;
  const latencies = sent.map(({ latencyMs }) => latencyMs);
  const endMs = endOf(shape) * 1000;
  const simulated = phasesMs.map((phaseMs) => simulate(run, phaseMs));
  const asks = simulated.map((ticks) => ticks.find(({ desiredPods }) => desiredPods >= needed)?.atMs);
  const backs = simulated.map((ticks) => {
    const lastMore = ticks.findLast(({ desiredPods }) => desiredPods > minScale)?.atMs ?? endMs;
    return ticks.find(({ atMs }) => atMs > lastMore)?.atMs;
  });
  return {
    requests: sent.length,
    failed: sent.filter(({ failure }) => failure !== undefined).length,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    mostPods: Math.max(...pods.map(({ ready }) => ready)),
    needed,
    rise: {
      simulated: rangeOf(asks.map((atMs) => atMs && atMs - roseMs)),
      askedMs: since(pods.find(({ asked }) => asked >= needed)?.atMs),
      readyMs: since(pods.find(({ ready }) => ready >= needed)?.atMs),
    },
    fall: { simulated: rangeOf(backs.map((atMs) => atMs && atMs - endMs))!, seenMs: run.backAfterMs },
  };
}

/** The autoscaler looks every two seconds: how long before a look the load began is a matter of chance. */
const phasesMs = Array.from({ length: 20 }, (_, step) => step * 100);

/**
 * What the algorithm alone makes of the load: its own code with the run's settings, on stats that are exact. Times are
 * those of the load.
 */
function simulate({ settings, shape }: Run, phaseMs: number) {
  const points = shape.map(([atSeconds, concurrency]) => ({ atMs: atSeconds * 1000 + phaseMs, concurrency }));
  const recording = recordingOf(points);
  const [simulated] = simulateAll({
    ...recording,
    interpolation: "linear",
    untilMs: recording.untilMs + 120_000,
    startPods: Number(settings["min-scale"]),
    base: { ...settings, "pod-start-delay": "1s" },
  });
  return simulated!.ticks.map(({ atMs, desiredPods }) => ({ atMs: atMs - phaseMs, desiredPods }));
}

function rangeOf(times: readonly (number | undefined)[]): Range | undefined {
  const known = times.filter((ms) => ms !== undefined);
  return known.length < times.length ? undefined : [Math.min(...known), Math.max(...known)];
}

function roseAt(shape: Shape, limit: number): number {
  let at = 0;
  while (at < endOf(shape) && loadOf(shape, at) <= limit) at += 0.01;
  return at;
}

/** The value that a share of the values is not above. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
