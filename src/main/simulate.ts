import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { describeValues, readRecording } from "../autoscaler/simulate/read.ts";
import { mostSettings, type Recording, RecordingError, type Setting } from "../autoscaler/simulate/recording.ts";
import { checkSetting } from "../autoscaler/simulate/setting.ts";
import { type Simulated, simulateAll } from "../autoscaler/simulate/simulate.ts";
import type { SimulateOptions, Simulation } from "../cli/actions.ts";
import { UserError } from "../cli/errors.ts";
import { drawPlot, type Line, type Panel, plotColors, plotGray } from "../lib/plot.ts";

/** Runs `hakn simulate`: reads the file, runs every setting, and draws the plot where one is wanted. Throws UserError. */
export function simulateFile(options: SimulateOptions): Simulation {
  try {
    const text = readFileSync(options.file === "-" ? 0 : options.file, "utf8");
    const recording = withSettings(readRecording(text, options.file), options.settings);
    const settings = simulateAll(recording);
    if (options.svg !== undefined)
      writeFileSync(options.svg, drawSimulation(basename(options.file), recording, settings));
    return { settings, recorded: recording.recorded };
  } catch (error) {
    if (error instanceof RecordingError) throw new UserError(error.message);
    const { code, path } = error as NodeJS.ErrnoException;
    if (code && path) throw new UserError(`${path} cannot be used (${code})`);
    throw error;
  }
}

/** Adds the settings of the command line, such as `window=30s,target=20`. */
function withSettings(recording: Recording, texts: readonly string[]): Recording {
  const added = texts.map((text): Setting => {
    const values = Object.fromEntries(
      text.split(",").map((pair) => {
        const [, key, value] = /^\s*([^=]+)=(.*)$/.exec(pair) ?? [];
        if (!key || value === undefined) throw new UserError(`--with ${text}: write NAME=VALUE,NAME=VALUE`);
        return [key.trim(), value.trim()];
      }),
    );
    const problem = checkSetting({ ...recording.base, ...values });
    if (problem) throw new UserError(`--with ${text}: ${problem.key}: ${problem.message}`);
    return { name: describeValues(values), values };
  });
  const settings = [...recording.settings, ...added];
  if (settings.length > mostSettings) throw new UserError(`at most ${mostSettings} settings can be compared`);
  return { ...recording, settings };
}

/** The load with what the pods can bear, and the pods, of every setting. */
function drawSimulation(file: string, recording: Recording, settings: readonly Simulated[]): string {
  const seconds = (atMs: number) => atMs / 1000;
  const line = (one: Simulated, value: (tick: Simulated["ticks"][number]) => number): Line["points"] =>
    one.ticks.map((tick) => [seconds(tick.atMs), value(tick)] as const);
  const several = settings.length > 1;
  const named = (one: Simulated, words: string) => (several ? `${words}, ${one.name}` : words);

  const loads = (["concurrency", "rps"] as const).flatMap((metric): Panel[] => {
    const scaledBy = settings.filter((one) => one.metric === metric);
    if (scaledBy.length === 0) return [];
    return [
      {
        title: metric === "rps" ? "Load: requests per second" : "Load: requests at once",
        lines: [
          { name: "load", color: plotGray, filled: true, steps: true, points: line(scaledBy[0]!, (tick) => tick.load) },
          ...scaledBy.map((one) => ({
            name: named(one, "ready pods can bear"),
            color: plotColors[settings.indexOf(one)]!,
            steps: true,
            points: line(one, (tick) => tick.readyPods * one.totalValue),
          })),
        ],
      },
    ];
  });
  const pods: Panel = {
    title: "Pods",
    lines: [
      ...recorded(recording),
      ...settings.flatMap((one, index): Line[] => [
        {
          name: named(one, "asked for"),
          color: plotColors[index]!,
          dashed: true,
          steps: true,
          points: line(one, (tick) => tick.desiredPods),
        },
        {
          name: named(one, "ready"),
          color: plotColors[index]!,
          steps: true,
          points: line(one, (tick) => tick.readyPods),
        },
      ]),
    ],
  };
  return drawPlot({ title: `Simulation of ${file}`, panels: [...loads, pods] });
}

function recorded({ recorded: decisions }: Recording): Line[] {
  if (decisions.length === 0) return [];
  const points = decisions.map(({ atMs, desiredPods }) => [atMs / 1000, desiredPods] as const);
  return [{ name: "asked for, as recorded", color: "#343a40", steps: true, points }];
}
