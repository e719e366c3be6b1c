/**
 * Runs loads against a Service on the embedded cluster, with real pods, and draws what happened:
 *   npm run bench -- autoscaling [--out docs] [--only step]
 * Prints a table; writes autoscaling-SHAPE.svg. Takes about two minutes.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../src/lib/clock.ts";
import { drawPlot, type Line, plotColors, plotGray } from "../src/lib/plot.ts";
import { root, startTestCluster, type TestCluster } from "../test/embedded/cluster.ts";
import { type Sent, startOpenLoad } from "./autoscaling/load.ts";
import { type Observer, observe, type PodsSeen } from "./autoscaling/observe.ts";
import { endOf, loadOf, type Shape, shapes } from "./autoscaling/shapes.ts";

const { values: options } = parseArgs({
  options: { out: { type: "string", default: join(root, "docs") }, only: { type: "string", default: "" } },
});
const requestTimeMs = 200;
const minScale = 2;
const target = 4;
const containerConcurrency = 20;
const host = "steady.default.localhost";
const backPatienceMs = 60_000;

interface Run {
  readonly shape: Shape;
  readonly sent: readonly Sent[];
  readonly pods: readonly PodsSeen[];
  /** performance.now() at the beginning of the load. */
  readonly begunAt: number;
  readonly backAfterMs: number | undefined;
}

const cluster = await startTestCluster();
try {
  const revision = await deploy(cluster);
  const observer = await observe(join(cluster.dataDir, "kubeconfig"), revision);
  await observer.until(({ asked, ready }) => asked === minScale && ready === minScale, backPatienceMs);
  console.log(
    `Target ${target} requests at once for each pod, window 6s, each request takes ${requestTimeMs} ms, pods ${minScale} to 14.\n`,
  );
  console.log(
    "| load | requests | failed | p50, p99 ms | most pods | from the rise to enough ready pods | from the end to min-scale |\n|---|---|---|---|---|---|---|",
  );
  for (const [name, shape] of Object.entries(shapes)) {
    if (!name.includes(options.only)) continue;
    const run = await runLoad(cluster, observer, shape);
    console.log(row(name, run));
    writeFileSync(join(options.out, `autoscaling-${name}.svg`), draw(name, run));
    const failures = run.sent.flatMap(({ failure }) => failure ?? []);
    if (failures.length > 0) {
      console.log(`failures: ${[...new Set(failures)].join("; ")}`);
      process.exitCode = 1;
    }
  }
  await observer.stop();
} finally {
  await cluster.stop();
}

async function deploy({ hakn, apply, kubectl }: TestCluster): Promise<string> {
  const image = (await hakn("deploy", join(root, "bench/autoscaling/app"), "--name", "steady", "--image-only")).trim();
  const annotations = {
    "min-scale": String(minScale),
    "max-scale": "14",
    target: String(target),
    "target-utilization-percentage": "100",
    window: "6s",
  };
  await apply(
    JSON.stringify({
      apiVersion: "serving.knative.dev/v1",
      kind: "Service",
      metadata: { name: "steady", namespace: "default" },
      spec: {
        template: {
          metadata: {
            annotations: Object.fromEntries(
              Object.entries(annotations).map(([key, value]) => [`autoscaling.knative.dev/${key}`, value]),
            ),
          },
          spec: {
            containerConcurrency,
            containers: [{ image, env: [{ name: "REQUEST_TIME_MS", value: String(requestTimeMs) }] }],
          },
        },
      },
    }),
  );
  await kubectl("wait", "ksvc/steady", "--for=condition=Ready", "--timeout=60s");
  return "steady-00001";
}

async function runLoad({ gatewayPort }: TestCluster, observer: Observer, shape: Shape): Promise<Run> {
  const from = observer.changes.length - 1;
  const begunAt = performance.now();
  const rate = (atMs: number) => (loadOf(shape, atMs / 1000) * 1000) / requestTimeMs;
  const load = startOpenLoad({ port: gatewayPort, host, rate });
  await systemClock.sleep(endOf(shape) * 1000);
  const endedAt = performance.now();
  const back = await observer.until(({ asked, ready }) => asked === minScale && ready === minScale, backPatienceMs);
  const backAfterMs = back ? performance.now() - endedAt : undefined;
  await systemClock.sleep(2000);
  await load.stop();
  return { shape, sent: load.sent, pods: observer.changes.slice(from), begunAt, backAfterMs };
}

/** From when the load began to be more than the pods' target until so many were ready as it needs. */
function enoughAfterMs({ shape, pods, begunAt }: Run): number | undefined {
  const highest = Math.max(...shape.map(([, concurrency]) => concurrency));
  const wanted = Math.min(14, Math.ceil(highest / target));
  const seconds = endOf(shape);
  let roseAt = 0;
  while (roseAt < seconds && loadOf(shape, roseAt) <= minScale * target) roseAt += 0.01;
  const ready = pods.find((seen) => seen.ready >= wanted);
  return ready && ready.atMs - begunAt - roseAt * 1000;
}

function row(name: string, run: Run): string {
  const latencies = run.sent.map(({ latencyMs }) => latencyMs);
  const seconds = (ms: number | undefined) => (ms === undefined ? "not reached" : `${(ms / 1000).toFixed(1)} s`);
  const cells = [
    name,
    run.sent.length,
    run.sent.filter(({ failure }) => failure !== undefined).length,
    `${quantile(latencies, 0.5).toFixed(0)}, ${quantile(latencies, 0.99).toFixed(0)}`,
    Math.max(...run.pods.map(({ ready }) => ready)),
    seconds(enoughAfterMs(run)),
    seconds(run.backAfterMs),
  ];
  return `| ${cells.join(" | ")} |`;
}

function draw(name: string, run: Run): string {
  const endSeconds = (run.sent.at(-1)?.dueMs ?? 0) / 1000;
  const offered = Array.from({ length: Math.ceil(endSeconds * 20) }, (_, step) => [
    step / 20,
    loadOf(run.shape, step / 20),
  ]) as [number, number][];
  const overTime = (value: (seen: PodsSeen) => number): Line["points"] =>
    run.pods.map((seen) => [Math.max(0, (seen.atMs - run.begunAt) / 1000), value(seen)] as const);
  const latency = (share: number): Line["points"] =>
    Array.from({ length: Math.ceil(endSeconds) }, (_, second) => {
      const own = run.sent.filter(({ dueMs }) => Math.floor(dueMs / 1000) === second);
      return [
        second,
        quantile(
          own.map(({ latencyMs }) => latencyMs),
          share,
        ),
      ] as const;
    }).filter(([, value]) => !Number.isNaN(value));
  const failed = run.sent.filter(({ failure }) => failure !== undefined).length;
  return drawPlot({
    title: `${name[0]!.toUpperCase()}${name.slice(1)}`,
    subtitle: `${run.sent.length} requests of ${requestTimeMs} ms, ${failed} failed; target ${target} at once for each pod, window 6 s, min-scale ${minScale}`,
    panels: [
      {
        title: "Load: requests at once",
        height: 150,
        lines: [
          { name: "offered", color: plotGray, filled: true, points: offered },
          {
            name: "target of the ready pods",
            color: plotColors[0]!,
            steps: true,
            points: overTime(({ ready }) => ready * target),
          },
        ],
      },
      {
        title: "Pods",
        height: 130,
        lines: [
          {
            name: "asked for",
            color: plotColors[1]!,
            dashed: true,
            steps: true,
            points: overTime(({ asked }) => asked),
          },
          { name: "ready", color: plotColors[0]!, steps: true, points: overTime(({ ready }) => ready) },
        ],
      },
      {
        title: "Latency: ms from when a request was due, by second",
        height: 130,
        lines: [
          { name: "99th percentile", color: plotColors[3]!, points: latency(0.99) },
          { name: "median", color: plotColors[2]!, points: latency(0.5) },
        ],
      },
    ],
  });
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
