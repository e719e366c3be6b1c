import type { Metric } from "../../apis/autoscaling/metric.ts";
import { silentLogger } from "../../lib/log.ts";
import { startTicker } from "../../lib/ticker.ts";
import { type FakeClock, fakeClock } from "../../testing/fake-clock.ts";
import type { DeciderSpec } from "../decide.ts";
import { createMetricCollector, type MetricCollector } from "../metric/collector.ts";
import { createMultiScaler, type MultiScaler } from "../multi-scaler.ts";
import { emptyStat } from "../scrape/stat.ts";
import { nanosecondsPerMs } from "../settings.ts";
import { testSpec } from "../spec-world.ts";
import type { Connect } from "./link.ts";
import { createReplicas, type Replicas } from "./replicas.ts";

const key = "ns/app";
/** A second, in the clock's unit. */
export const second = 1000;

const specOf = (windowMs: number): DeciderSpec => ({
  ...testSpec,
  targetValue: 10,
  totalValue: 10,
  stableWindowMs: windowMs,
  activationScale: 1,
});

const metricOf = (windowMs: number): Metric => ({
  apiVersion: "autoscaling.internal.knative.dev/v1alpha1",
  kind: "Metric",
  metadata: { namespace: "ns", name: "app" },
  spec: {
    stableWindow: windowMs * nanosecondsPerMs,
    panicWindow: (windowMs / 10) * nanosecondsPerMs,
    scrapeTarget: "app-private",
  },
});

interface Replica {
  readonly collector: MetricCollector;
  readonly multiScaler: MultiScaler;
  readonly replicas: Replicas;
  stop(): void;
}

/** Several replicas of the autoscaler, their links, and a revision. */
export interface World {
  readonly clock: FakeClock;
  /** All requests in flight at a second since the beginning. */
  load: (atSecond: number) => number;
  owner: string | undefined;
  /** The replicas of the revision's Deployment. */
  desiredScale: number;
  /** Every scale that was set. */
  readonly scales: number[];
  /** The scale at each second. */
  readonly curve: number[];
  start(pod: string): void;
  /** The process is gone, with all that it knew. */
  kill(pod: string): void;
  /** The process neither works nor hears until it thaws. */
  freeze(pod: string): void;
  thaw(pod: string): void;
  /** Tells the others everything, and ends. */
  endInOrder(pod: string): void;
  stop(): void;
}

export interface WorldConfig {
  readonly windowMs?: number;
  /** How long after it was asked for a pod is ready. */
  readonly startPodMs?: number;
  /** Milliseconds between two passes over the Metric; the first comes so long after the start of the replica. */
  readonly metricPassMs?: number;
}

/** How long after the Deployment the PodAutoscaler's status is written. */
const statusDelayMs = 30;

/** A world without replicas; `stop` ends it. */
export function createWorld({ windowMs = 60_000, startPodMs = 0, metricPassMs = 200 }: WorldConfig = {}): World {
  const spec = specOf(windowMs);
  const metric = metricOf(windowMs);
  const clock = fakeClock();
  const beganMs = clock.now();
  /** What the revision's PodAutoscaler says. */
  let statusScale = -1;
  let readyPods = 1;
  const setScale = (scale: number) => {
    if (scale === world.desiredScale) return;
    world.desiredScale = scale;
    world.scales.push(scale);
    readyPods = Math.min(readyPods, scale);
    if (startPodMs === 0) readyPods = scale;
    else
      clock.setTimer(startPodMs, () => {
        readyPods = Math.min(scale, world.desiredScale);
      });
  };
  const running = new Map<string, Replica>();
  const frozen = new Set<string>();
  const isHeard = (pod: string) => running.has(pod) && !frozen.has(pod);

  const connectFrom =
    (from: string): Connect =>
    (url, onOpen) => {
      const to = new URL(url).hostname;
      let receive: ((text: string) => void) | undefined;
      let server: Replica | undefined;
      const open = () => {
        server = running.get(to);
        receive = server?.replicas.onMemoryLink();
        if (isHeard(from)) onOpen();
      };
      const cancel = clock.setTimer(1, open);
      return {
        send(message) {
          if (server !== running.get(to)) open();
          if (!isHeard(to) || !isHeard(from) || !receive) return false;
          receive(String(message));
          return true;
        },
        close: cancel,
      };
    };

  const world: World = {
    clock,
    load: () => 0,
    owner: undefined,
    desiredScale: -1,
    scales: [],
    curve: [],
    start(pod) {
      const owns = () => world.owner === pod && !frozen.has(pod);
      const replicas = createReplicas({
        peers: () => [...running.keys()].filter((name) => name !== pod).map((name) => ({ pod: name, address: name })),
        ownerOf: () => world.owner,
        connect: connectFrom(pod),
        owns,
        clock,
        log: silentLogger,
      });
      const collector = createMetricCollector(
        async () => ({
          ...emptyStat,
          podName: "app",
          averageConcurrentRequests: world.load((clock.now() - beganMs) / second),
          requestCount: 1,
          processUptime: 100,
        }),
        clock,
        { owns, inheritance: (of) => replicas.standby.recall(of)?.records },
      );
      const multiScaler = createMultiScaler(
        (of) => {
          const averages = collector.averages(of, "concurrency");
          if (typeof averages === "string") return undefined;
          const { stable, panic, knownSinceMs } = averages;
          return { readyPods, stableValue: stable, panicValue: panic, knownSinceMs };
        },
        () => readyPods,
        clock,
        { owns, inheritance: replicas.standby.recall },
      );
      const collect = () => {
        if (!owns()) return;
        collector.collect(
          statusScale < 0 ? metric : { ...metric, status: { conditions: [{ type: "Ready", status: "True" }] } },
        );
      };
      const scale = () => {
        if (!owns()) return;
        const { desiredScale } = multiScaler.advise(key, spec, {
          wanted: statusScale < 0 ? statusScale : Math.max(statusScale, world.desiredScale),
          bounds: { min: 1, max: 0 },
          plan: (advised) => ({ want: Math.max(1, advised) }),
        });
        if (desiredScale < 0) return;
        setScale(Math.max(1, desiredScale));
        if (statusScale === world.desiredScale) return;
        clock.setTimer(statusDelayMs, () => {
          if (owns() && running.has(pod)) statusScale = world.desiredScale;
        });
      };
      replicas.start(collector, multiScaler);
      multiScaler.onAdvice(scale);
      const stopCollecting = startTicker(clock, metricPassMs, collect);
      const stopScaling = startTicker(clock, 200, scale);
      running.set(pod, {
        collector,
        multiScaler,
        replicas,
        stop() {
          stopCollecting();
          stopScaling();
          replicas.close();
          collector.close();
          multiScaler.close();
        },
      });
    },
    kill(pod) {
      running.get(pod)?.stop();
      running.delete(pod);
      if (world.owner === pod) world.owner = undefined;
    },
    freeze: (pod) => void frozen.add(pod),
    thaw: (pod) => void frozen.delete(pod),
    endInOrder(pod) {
      running.get(pod)?.replicas.flush();
      world.kill(pod);
    },
    stop() {
      for (const pod of [...running.keys()]) world.kill(pod);
      stopCurve();
    },
  };
  const stopCurve = startTicker(clock, second, () => void world.curve.push(world.desiredScale));
  return world;
}
