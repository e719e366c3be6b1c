import { keyOf } from "../../apis/meta.ts";
import type { Clock } from "../../lib/clock.ts";
import { type DeciderSpec, type Decision, decide, initialDeciderState, tickIntervalMs } from "../decide.ts";
import { makeDeciderSpec } from "../kpa/decider-spec.ts";
import { makeMetric } from "../kpa/metric.ts";
import { planScale, scaleUnknown } from "../kpa/scale.ts";
import { createMetricCollector } from "../metric/collector.ts";
import { emptyStat, type Stat } from "../scrape/stat.ts";
import { activeThreshold, markActive, podAutoscalerConditions } from "../status.ts";
import { loadAt, type Recording } from "./recording.ts";
import { makeSubject, type Subject } from "./setting.ts";

/** What would have been at one tick of the autoscaler. */
export interface SimulatedTick {
  /** Milliseconds since the beginning. */
  readonly atMs: number;
  /** What the series says, in the metric that the setting scales by. */
  readonly load: number;
  readonly stableValue: number;
  readonly panicValue: number;
  /** Pods asked of the Deployment, after the bounds. */
  readonly desiredPods: number;
  readonly readyPods: number;
  readonly mode: Decision["mode"];
  /** What had the last word: a rule of the decision, or a bound. */
  readonly rule: string;
}

/** One setting's run. */
export interface Simulated {
  readonly name: string;
  readonly metric: "concurrency" | "rps";
  /** The load that one pod should have, and that it can bear. */
  readonly targetValue: number;
  readonly totalValue: number;
  readonly ticks: readonly SimulatedTick[];
  readonly summary: {
    readonly mostPods: number;
    /** What it costs: time of all pods, from their start on, in minutes. */
    readonly podMinutes: number;
    /** How long the load was more than the ready pods can bear. */
    readonly overloadedSeconds: number;
    /** How often the number of pods asked for changed. */
    readonly changes: number;
  };
}

/** Any whole multiple of the tick will do: windows count whole seconds of the wall clock. */
const startMs = Date.UTC(2024, 0, 1);
const secondMs = 1000;
const progressDeadlineMs = 600_000;

/** Runs every setting of a recording; where there is none, the base alone. Throws RecordingError. */
export function simulateAll(recording: Recording): Simulated[] {
  const settings = recording.settings.length > 0 ? recording.settings : [{ name: "default", values: {} }];
  return settings.map(({ name, values }) => simulate(name, recording, makeSubject({ ...recording.base, ...values })));
}

/**
 * Feeds a load through the autoscaler's own windows, decision and bounds, second by second, as scraping pods would. Pods
 * become ready after the subject's delay and end at once.
 */
function simulate(name: string, recording: Recording, { pa, config, podStartDelayMs }: Subject): Simulated {
  let nowMs = startMs;
  const clock: Clock = { now: () => nowMs, monotonic: () => nowMs, setTimer: () => () => {}, sleep: async () => {} };
  const spec = makeDeciderSpec(pa, config);
  const metric = spec.scalingMetric === "rps" ? "rps" : "concurrency";
  const collector = createMetricCollector(async () => undefined, clock);
  const key = keyOf(pa);
  collector.collect(makeMetric(pa, "simulated-private", config));

  const conditions = podAutoscalerConditions.draft(undefined, clock);
  conditions.initialize();
  const plan = (advised: number) =>
    planScale({
      pa,
      active: conditions.get("Active"),
      initialized: conditions.get("ScaleTargetInitialized")?.status === "True",
      advised,
      config,
      progressDeadlineMs,
      nowMs,
    });
  const begin = recording.startPods ?? plan(scaleUnknown).apply ?? 1;
  const pods = createPods(begin, nowMs);
  let state = initialDeciderState(spec, 0, nowMs);
  let desiredPods = begin;
  const ticks: SimulatedTick[] = [];
  let podSeconds = 0;
  let overloadedSeconds = 0;
  let changes = 0;

  for (let atMs = secondMs; atMs <= recording.untilMs; atMs += secondMs) {
    nowMs = startMs + atMs;
    const readyPods = pods.ready(nowMs);
    // A Stat tells of the second before it.
    const load = loadAt(recording, metric, atMs - secondMs);
    if (readyPods > 0) collector.record(key, statOf(metric, load));
    podSeconds += pods.count();
    if (load > readyPods * spec.totalValue) overloadedSeconds++;
    if (atMs % tickIntervalMs !== 0) continue;

    const averages = collector.averages(key, metric);
    if (typeof averages === "string") continue;
    const observation = { readyPods, stableValue: averages.stable, panicValue: averages.panic };
    const outcome = decide(spec, state, observation, nowMs);
    state = outcome.state;
    const planned = plan(outcome.decision.desiredPods);
    const counts = { want: planned.want, ready: readyPods };
    markActive(conditions, counts, activeThreshold(pa, conditions, config), true);
    if (planned.apply !== undefined) {
      if (planned.apply !== desiredPods) changes++;
      desiredPods = planned.apply;
      pods.scale(desiredPods, nowMs + podStartDelayMs);
    }
    ticks.push({
      atMs,
      load,
      stableValue: averages.stable,
      panicValue: averages.panic,
      desiredPods,
      readyPods,
      mode: outcome.decision.mode,
      rule: ruleOf(outcome.decision, desiredPods),
    });
  }
  collector.close();
  return {
    name,
    metric,
    targetValue: spec.targetValue,
    totalValue: spec.totalValue,
    ticks,
    summary: {
      mostPods: ticks.reduce((most, tick) => Math.max(most, tick.desiredPods), begin),
      podMinutes: Math.round(podSeconds / 6) / 10,
      overloadedSeconds,
      changes,
    },
  };
}

function ruleOf(decision: Decision, desiredPods: number): string {
  if (desiredPods > decision.desiredPods) return "min scale";
  return desiredPods < decision.desiredPods ? "max scale" : decision.rule;
}

function statOf(metric: DeciderSpec["scalingMetric"], load: number): Stat {
  const seen = metric === "rps" ? { requestCount: load } : { averageConcurrentRequests: load };
  return { ...emptyStat, podName: "simulated", ...seen };
}

/** The pods of a Deployment, counted by when they become ready. Those that are ready last go first. */
function createPods(count: number, readyAtMs: number) {
  let groups = [{ readyAtMs, count }];
  const total = () => groups.reduce((sum, group) => sum + group.count, 0);
  return {
    count: total,
    ready: (nowMs: number) => groups.reduce((sum, group) => sum + (group.readyAtMs <= nowMs ? group.count : 0), 0),
    scale(wanted: number, newReadyAtMs: number) {
      let missing = wanted - total();
      if (missing > 0) groups.push({ readyAtMs: newReadyAtMs, count: missing });
      while (missing < 0) {
        const last = groups.at(-1)!;
        const gone = Math.min(last.count, -missing);
        groups[groups.length - 1] = { ...last, count: last.count - gone };
        missing += gone;
        groups = groups.filter((group) => group.count > 0);
      }
    },
  };
}
