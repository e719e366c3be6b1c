import { drawPlot, type Line, plotColors, plotGray } from "../../src/lib/plot.ts";
import type { PodsSeen } from "../../test/embedded/observe-pods.ts";
import { quantile } from "./figures.ts";
import { type Run, requestTimeMs } from "./run.ts";
import { loadOf } from "./shapes.ts";

/** Draws a run as SVG: offered load, pods and latency over time. */
export function drawRun(name: string, run: Run): string {
  const { settings, shape, sent } = run;
  const target = Number(settings.target);
  const failed = sent.filter(({ failure }) => failure !== undefined).length;
  return drawPlot({
    title: `${name[0]!.toUpperCase()}${name.slice(1)}`,
    subtitle: `${sent.length} requests of ${requestTimeMs} ms, ${failed} failed; target ${target} at once for each pod, window ${settings.window}, min-scale ${settings["min-scale"]}`,
    panels: [
      {
        title: "Load: requests at once",
        height: 150,
        lines: [
          { name: "offered", color: plotGray, filled: true, points: twentiethsOf(run, (at) => loadOf(shape, at)) },
          {
            name: "target of the ready pods",
            color: plotColors[0]!,
            steps: true,
            points: podsOverTime(run, ({ ready }) => ready * target),
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
            points: podsOverTime(run, ({ asked }) => asked),
          },
          { name: "ready", color: plotColors[0]!, steps: true, points: podsOverTime(run, ({ ready }) => ready) },
        ],
      },
      {
        title: "Latency: ms from when a request was due, by second",
        height: 130,
        lines: [
          { name: "99th percentile", color: plotColors[3]!, points: latencyOverTime(run, 0.99) },
          { name: "median", color: plotColors[2]!, points: latencyOverTime(run, 0.5) },
        ],
      },
    ],
  });
}

function twentiethsOf({ sent }: Run, value: (atSeconds: number) => number): Line["points"] {
  const endSeconds = (sent.at(-1)?.dueMs ?? 0) / 1000;
  return Array.from({ length: Math.ceil(endSeconds * 20) }, (_, step) => [step / 20, value(step / 20)] as const);
}

function podsOverTime({ pods, begunAt }: Run, value: (seen: PodsSeen) => number): Line["points"] {
  return pods.map((seen) => [Math.max(0, (seen.atMs - begunAt) / 1000), value(seen)] as const);
}

function latencyOverTime({ sent }: Run, share: number): Line["points"] {
  const bySecond = Map.groupBy(sent, ({ dueMs }) => Math.floor(dueMs / 1000));
  return [...bySecond]
    .sort(([a], [b]) => a - b)
    .map(([second, own]) => {
      const latencies = own.map(({ latencyMs }) => latencyMs);
      return [second, quantile(latencies, share)] as const;
    });
}
