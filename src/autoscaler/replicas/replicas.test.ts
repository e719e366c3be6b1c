import assert from "node:assert/strict";
import { test } from "node:test";
import type { Metric } from "../../apis/autoscaling/metric.ts";
import { silentLogger } from "../../lib/log.ts";
import { startTicker } from "../../lib/ticker.ts";
import { type FakeClock, fakeClock } from "../../testing/fake-clock.ts";
import type { DeciderSpec } from "../decide.ts";
import { createMetricCollector, type MetricCollector } from "../metric/collector.ts";
import { createMultiScaler, type MultiScaler } from "../multi-scaler.ts";
import { nanosecondsPerMs } from "../settings.ts";
import type { Connect } from "./link.ts";
import { createReplicas, type Replicas } from "./replicas.ts";

const key = "ns/app";
const windowMs = 60_000;
const second = 1000;

const spec: DeciderSpec = {
  maxScaleUpRate: 1000,
  maxScaleDownRate: 2,
  scalingMetric: "concurrency",
  targetValue: 10,
  totalValue: 10,
  targetBurstCapacity: 0,
  activatorCapacity: 100,
  panicThreshold: 2,
  stableWindowMs: windowMs,
  scaleDownDelayMs: 0,
  initialScale: 1,
  reachable: true,
  activationScale: 1,
};

const metric: Metric = {
  apiVersion: "autoscaling.internal.knative.dev/v1alpha1",
  kind: "Metric",
  metadata: { namespace: "ns", name: "app" },
  spec: {
    stableWindow: windowMs * nanosecondsPerMs,
    panicWindow: 6 * second * nanosecondsPerMs,
    scrapeTarget: "app-private",
  },
};

interface Replica {
  readonly collector: MetricCollector;
  readonly multiScaler: MultiScaler;
  readonly replicas: Replicas;
  stop(): void;
}

/** Several replicas of the autoscaler, their links, and a revision whose pods are ready at once. */
interface World {
  readonly clock: FakeClock;
  /** All requests in flight at a second since the beginning. */
  load: (atSecond: number) => number;
  owner: string | undefined;
  /** What the revision's PodAutoscaler says. */
  desiredScale: number;
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

function createWorld(): World {
  const clock = fakeClock();
  const beganMs = clock.now();
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
          podName: "app",
          averageConcurrentRequests: world.load((clock.now() - beganMs) / second),
          averageProxiedConcurrentRequests: 0,
          requestCount: 1,
          proxiedRequestCount: 0,
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
          const readyPods = Math.max(1, world.desiredScale);
          return { readyPods, stableValue: stable, panicValue: panic, knownSinceMs };
        },
        () => Math.max(1, world.desiredScale),
        clock,
        { owns, inheritance: replicas.standby.recall },
      );
      const reconcile = () => {
        if (!owns()) return;
        collector.collect(owned());
        const { desiredScale } = multiScaler.advise(key, spec, {
          wanted: world.desiredScale,
          bounds: { min: 1, max: 0 },
          plan: (advised) => ({ want: Math.max(1, advised) }),
        });
        if (desiredScale >= 0) world.desiredScale = Math.max(1, desiredScale);
      };
      const owned = (): Metric =>
        world.desiredScale < 0 ? metric : { ...metric, status: { conditions: [{ type: "Ready", status: "True" }] } };
      replicas.start(collector, multiScaler);
      const stopReconciling = startTicker(clock, 200, reconcile);
      running.set(pod, {
        collector,
        multiScaler,
        replicas,
        stop() {
          stopReconciling();
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

interface Row {
  readonly name: string;
  /** Requests in flight at a second; the trouble begins at 100. */
  readonly load: (atSecond: number) => number;
  readonly trouble: (world: World) => Promise<void>;
  /** How many seconds the scale may be behind what it is without trouble where that rises; 4 unless told. */
  readonly lag?: number;
  /** The scale at the end, 250 s. */
  readonly atEnd: number;
}

const steady = (height: number) => () => height;
const burst = (from: number, height: number) => (atSecond: number) => (atSecond < from ? 10 : height);
const takeOver = async (world: World, pod: string, afterMs = 50) => {
  await world.clock.advance(afterMs);
  world.owner = pod;
};

const rows: Row[] = [
  {
    name: "the owner is killed under steady load",
    load: steady(200),
    async trouble(world) {
      world.kill("a");
      await takeOver(world, "b");
    },
    atEnd: 20,
  },
  {
    name: "the owner is killed in panic, ten seconds into a burst",
    load: burst(90, 300),
    async trouble(world) {
      world.kill("a");
      await takeOver(world, "b");
    },
    atEnd: 30,
  },
  {
    name: "the owner is killed at the end of the window, when the load has gone but the window still remembers it",
    load: (atSecond) => (atSecond < 60 ? 200 : 10),
    async trouble(world) {
      world.kill("a");
      await takeOver(world, "b");
    },
    atEnd: 1,
  },
  {
    name: "the owner is killed and nobody takes over for ten seconds",
    load: steady(200),
    async trouble(world) {
      world.kill("a");
      await takeOver(world, "b", 10_000);
    },
    lag: 14,
    atEnd: 20,
  },
  {
    name: "the owner freezes, is robbed, and thaws",
    load: steady(200),
    async trouble(world) {
      world.freeze("a");
      await takeOver(world, "b", 15_000);
      await world.clock.advance(5000);
      world.thaw("a");
    },
    lag: 18,
    atEnd: 20,
  },
  {
    name: "the owner ends in order in the middle of a burst",
    load: burst(95, 300),
    async trouble(world) {
      world.endInOrder("a");
      world.owner = "b";
    },
    atEnd: 30,
  },
  {
    name: "both are killed: the newcomer knows nothing and holds the present scale",
    load: steady(200),
    async trouble(world) {
      world.kill("a");
      world.kill("b");
      world.start("c");
      await takeOver(world, "c", 2000);
    },
    atEnd: 20,
  },
  {
    name: "both are killed, and there is no load any more: the scale is held for a window, and falls then",
    load: (atSecond) => (atSecond < 100 ? 200 : 0),
    async trouble(world) {
      world.kill("a");
      world.kill("b");
      world.start("c");
      await takeOver(world, "c", 2000);
    },
    atEnd: 1,
  },
  {
    name: "a new replica joins, and the key moves to it",
    load: steady(200),
    async trouble(world) {
      world.start("c");
      await world.clock.advance(3000);
      world.owner = "c";
    },
    atEnd: 20,
  },
  {
    name: "a holding successor still scales up at once",
    load: (atSecond) => (atSecond < 100 ? 200 : 500),
    async trouble(world) {
      world.kill("a");
      world.kill("b");
      world.start("c");
      await takeOver(world, "c", 2000);
      await world.clock.advance(12_000);
      assert.equal(world.desiredScale, 50, "ten seconds after the takeover");
    },
    atEnd: 50,
  },
];

/** Runs a load for 250 seconds, the trouble after the first hundred. */
async function run({ load, trouble }: Pick<Row, "load" | "trouble">): Promise<World> {
  const world = createWorld();
  world.load = load;
  world.start("a");
  world.start("b");
  world.owner = "a";
  await world.clock.advance(100 * second);
  await trouble(world);
  await world.clock.advance((250 - world.curve.length) * second);
  world.stop();
  assert.equal(world.clock.pendingTimers(), 0);
  return world;
}

for (const { name, load, trouble, lag = 4, atEnd } of rows) {
  test(name, async () => {
    const quiet = await run({ load, trouble: async () => {} });
    const { curve, desiredScale } = await run({ load, trouble });
    const dips = curve.flatMap((scale, at) => {
      const least = Math.min(...quiet.curve.slice(Math.max(0, at - lag), at + 1));
      return scale < least ? [`second ${at}: ${scale} instead of ${least}`] : [];
    });
    assert.deepEqual(dips, []);
    assert.equal(desiredScale, atEnd);
  });
}

test("without a word of the predecessor's windows the scale is held for a whole window, though there is no load", async () => {
  const { curve } = await run({
    load: (atSecond) => (atSecond < 100 ? 200 : 0),
    async trouble(world) {
      world.kill("a");
      world.kill("b");
      world.start("c");
      await takeOver(world, "c", 2000);
    },
  });
  assert.equal(Math.min(...curve.slice(100, 160)), 20);
  assert.equal(curve.at(-1), 1);
});

test("with them it falls as though nothing had happened", async () => {
  const load = (atSecond: number) => (atSecond < 100 ? 200 : 0);
  const fellAt = (world: World) => world.curve.findIndex((scale, at) => at > 100 && scale < 10);
  const quiet = fellAt(await run({ load, trouble: async () => {} }));
  const disturbed = fellAt(
    await run({
      load,
      async trouble(world) {
        world.kill("a");
        await takeOver(world, "b");
      },
    }),
  );
  assert.ok(quiet > 100 && Math.abs(disturbed - quiet) <= 4, `at second ${disturbed} instead of ${quiet}`);
});
