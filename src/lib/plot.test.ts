import assert from "node:assert/strict";
import { test } from "node:test";
import { drawPlot, type Line } from "./plot.ts";

const line = (points: Line["points"], rest: Partial<Line> = {}): Line => ({
  name: "l",
  color: "#000",
  points,
  ...rest,
});
const draw = (...lines: Line[]) => drawPlot({ title: "t", panels: [{ title: "y", lines }] });

test("a plot escapes its texts", () => {
  const svg = drawPlot({ title: "a < b & c", panels: [{ title: "<y>", lines: [] }] });
  assert.match(svg, />a &lt; b &amp; c</);
  assert.match(svg, />&lt;y&gt;</);
});

test("axes: round steps up to above the highest value, times below", () => {
  const svg = draw(
    line([
      [0, 0],
      [120, 93],
    ]),
  );
  for (const label of [">0<", ">50<", ">100<", ">0:00<", ">2:00<"]) assert.ok(svg.includes(label), label);
});

test("nothing to draw is still a plot, without NaN", () => {
  for (const svg of [
    draw(),
    draw(line([])),
    draw(line([[0, 0]])),
    draw(line([[5, 3]], { steps: true, filled: true })),
  ]) {
    assert.match(svg, /^<svg .*<\/svg>\n$/s);
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
  }
});

test("a long line is thinned, its peak stays", () => {
  const flat = Array.from({ length: 100_000 }, (_, x) => [x, x === 31_415 ? 1000 : 1] as const);
  const svg = draw(line(flat));
  assert.ok(svg.length < 60_000, `${svg.length} characters`);
  const highest = Math.min(...[...svg.matchAll(/L[\d.]+ ([\d.]+)/g)].map(([, y]) => Number(y)));
  const lowest = Math.max(...[...svg.matchAll(/L[\d.]+ ([\d.]+)/g)].map(([, y]) => Number(y)));
  assert.ok(lowest - highest > 100, "the peak is drawn");
});
