import type { Command } from "commander";
import type { Simulation } from "../actions.ts";
import { repeated } from "../arguments.ts";
import type { CommandContext } from "../program.ts";
import { table } from "../terminal.ts";

interface Options {
  with?: string[];
  svg?: string;
  all?: boolean;
  json?: boolean;
}

/** `hakn simulate FILE`: how many pods a load would have got, with these settings or with others. */
export function addSimulate(program: Command, { actions, terminal }: CommandContext): void {
  program
    .command("simulate")
    .argument(
      "<file>",
      "a load series (.yaml, .json, .csv), or the autoscaler's /decisions of a revision; - reads from a pipe",
    )
    .description("show how many pods a load would get, with one or several settings side by side")
    .option("--with <settings>", "another setting to try, as NAME=VALUE,NAME=VALUE (may be repeated)", repeated)
    .option("--svg <file>", "draw a plot into this file")
    .option("--all", "print every tick, not only those at which something changes")
    .option("--json", "print the whole run as JSON")
    .addHelpText(
      "after",
      `
A series says what was asked at which time; it needs nothing else:
  time,concurrency          load:
  0s,10                       - {time: 0s, concurrency: 10}
  60s,200                     - {time: 60s, concurrency: 200}
YAML may also have settings, base, until, interpolation, request-time, pods: see docs/autoscaling.md. A setting has
the names of the annotations (window, target, min-scale, ...) and of config-autoscaler.

Examples:
  hakn simulate examples/autoscaling/step.yaml --svg step.svg
  hakn simulate load.csv --with window=30s --with window=120s,max-scale-down-rate=1.5
  curl -s http://$AUTOSCALER:8080/decisions/default/hello-00001 > seen.json && hakn simulate seen.json`,
    )
    .action((file: string, options: Options) => {
      const simulation = actions.simulate({ file, settings: options.with ?? [], svg: options.svg });
      if (options.json) {
        terminal.print(`${JSON.stringify(simulation)}\n`);
        return;
      }
      terminal.print(`${series(simulation, options.all ?? false).join("\n")}\n\n${summary(simulation).join("\n")}\n`);
      if (options.svg !== undefined) terminal.print(`\nThe plot is in ${options.svg}.\n`);
    });
}

/** A row for each tick at which the pods or the mode of some setting changed; a group of columns for each setting. */
function series({ settings }: Simulation, all: boolean): string[] {
  const heading = ["TIME", "LOAD", ...settings.flatMap(() => ["ASKED", "READY", "MODE", "RULE"])];
  const titles = ["", "", ...settings.flatMap(({ name }) => [name, "", "", ""])];
  const times = [...new Set(settings.flatMap(({ ticks }) => ticks.map(({ atMs }) => atMs)))].sort((a, b) => a - b);
  const byTime = settings.map(({ ticks }) => new Map(ticks.map((tick) => [tick.atMs, tick])));
  const rows: string[][] = [];
  let before = "";
  for (const atMs of times) {
    const ticks = byTime.map((known) => known.get(atMs));
    const changing = JSON.stringify(ticks.map((tick) => [tick?.desiredPods, tick?.readyPods, tick?.mode]));
    if (!all && changing === before) continue;
    before = changing;
    const load = ticks.find((tick) => tick)?.load ?? 0;
    rows.push([
      clock(atMs),
      String(round(load)),
      ...ticks.flatMap((tick) =>
        tick ? [String(tick.desiredPods), String(tick.readyPods), tick.mode, tick.rule] : ["", "", "", ""],
      ),
    ]);
  }
  return settings.length > 1 ? columns([titles, heading, ...rows]) : table([heading, ...rows]);
}

/** Titles may be wider than their column: they flow over the empty cells beside them. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const [titles = [], ...rest] = rows;
  const lines = table(rest);
  const [heading = ""] = lines;
  let line = "";
  let from = 0;
  titles.forEach((title, column) => {
    const at = heading.indexOf(rest[0]![column]!, from);
    from = at + rest[0]![column]!.length;
    if (title) line = `${line.padEnd(at)}${line.length > at ? " " : ""}${title}`;
  });
  return [line, ...lines];
}

function summary({ settings }: Simulation): string[] {
  return table([
    ["SETTING", "MOST PODS", "POD MINUTES", "OVERLOADED", "CHANGES"],
    ...settings.map(({ name, summary: { mostPods, podMinutes, overloadedSeconds, changes } }) => [
      name,
      String(mostPods),
      String(podMinutes),
      `${overloadedSeconds}s`,
      String(changes),
    ]),
  ]);
}

function clock(atMs: number): string {
  const seconds = atMs / 1000;
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
