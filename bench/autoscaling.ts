/**
 * Runs loads against a Service on the embedded cluster, with real pods, and draws what happened:
 *   npm run bench -- autoscaling [--out docs] [--only 20s]
 * Prints a table; writes autoscaling-SHAPE-WINDOW.svg. Takes about seven minutes, without --only.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root, startTestCluster } from "../test/embedded/cluster.ts";
import { drawRun } from "./autoscaling/draw.ts";
import { type Figures, figuresOf, type Range } from "./autoscaling/figures.ts";
import { runLoads, type Settings } from "./autoscaling/run.ts";
import { delayed, shapes } from "./autoscaling/shapes.ts";

const { values: options } = parseArgs({
  options: { out: { type: "string", default: join(root, "docs") }, only: { type: "string", default: "" } },
});
/** As it is unless set, but for the target. */
const usual: Settings = {
  "min-scale": "2",
  "max-scale": "14",
  target: "4",
  "target-utilization-percentage": "100",
  window: "60s",
};
/** Shorter windows, so that more happens in a minute. */
const brisk: Settings = { ...usual, window: "20s" };

/** Loads begin once a window has been seen. */
const loads = (settings: Settings, names: readonly string[]) =>
  names
    .map(
      (name) => [`${name}-${settings.window}`, delayed(shapes[name]!, Number.parseInt(settings.window, 10))] as const,
    )
    .filter(([name]) => name.includes(options.only));

const cluster = await startTestCluster();
try {
  console.log(
    "| load, window | requests | failed | p50, p99 ms | most pods | rise to | simulated | asked | ready | fall: simulated | ready |\n|---|---|---|---|---|---|---|---|---|---|---|",
  );
  for (const [service, settings, names] of [
    ["brisk", brisk, Object.keys(shapes)],
    ["usual", usual, ["step"]],
  ] as const) {
    for await (const [name, run] of runLoads(cluster, service, settings, loads(settings, names))) {
      console.log(row(name, figuresOf(run)));
      writeFileSync(join(options.out, `autoscaling-${name}.svg`), drawRun(name, run));
      const failures = new Set(run.sent.flatMap(({ failure }) => failure ?? []));
      if (failures.size === 0) continue;
      console.log(`failures: ${[...failures].join("; ")}`);
      process.exitCode = 1;
    }
  }
} finally {
  await cluster.stop();
}

function row(name: string, { requests, failed, p50Ms, p99Ms, mostPods, needed, rise, fall }: Figures): string {
  const falls = "the load falls first";
  const cells = [
    name.replace("-", ", "),
    requests,
    failed,
    `${p50Ms.toFixed(0)}, ${p99Ms.toFixed(0)}`,
    mostPods,
    needed,
    range(rise.simulated) ?? falls,
    seconds(rise.askedMs) ?? falls,
    seconds(rise.readyMs) ?? falls,
    range(fall.simulated),
    seconds(fall.seenMs) ?? "never",
  ];
  return `| ${cells.join(" | ")} |`;
}

function seconds(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : `${(ms / 1000).toFixed(1)} s`;
}

function range(range: Range | undefined): string | undefined {
  return range && `${(range[0] / 1000).toFixed(1)}-${(range[1] / 1000).toFixed(1)} s`;
}
