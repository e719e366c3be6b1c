import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import type { DeciderSpec } from "../decide.ts";
import { testSpec } from "../spec-world.ts";
import { createDecisionRing, joinDecisions } from "./decision-ring.ts";
import { describe, type Explanation } from "./explanation.ts";
import { newsOf, type ScaleStep, scaleReasonAnnotation } from "./news.ts";

const spec: DeciderSpec = { ...testSpec, maxScaleUpRate: 2, scaleDownDelayMs: 30_000, activationScale: 1 };

const bounds = { min: 2, max: 30 };
const nowMs = Date.parse("2024-01-01T00:10:00Z");

function explanation(rule: Explanation["rule"], more: Partial<Explanation> = {}): Explanation {
  return {
    desiredPods: 5,
    excessBurstCapacity: 0,
    mode: "stable",
    asked: { stable: 5, panic: 3 },
    rates: { least: 2, most: 8 },
    readyPods: 4,
    stableValue: 345.678,
    panicValue: 200,
    atMs: nowMs,
    before: 4,
    want: 5,
    rule,
    advisedBy: "stable window",
    spec,
    bounds,
    ...more,
  };
}

const sentences: [string, Explanation, string][] = [
  ["the stable window", explanation("stable window"), "5 pods: 345.7 concurrent requests over 60 s, 70 for each pod"],
  [
    "panic",
    explanation("panic window", { mode: "panic", asked: { stable: 5, panic: 9 }, panicValue: 600, want: 9 }),
    "9 pods: 600 concurrent requests over the panic window, 70 for each pod",
  ],
  [
    "a bound",
    explanation("max scale", { asked: { stable: 40, panic: 3 }, want: 30 }),
    "30 pods: the load asks for 40 (345.7 concurrent requests over 60 s, 70 for each pod); max-scale is 30",
  ],
  [
    "requests a second, and one pod",
    explanation("scale down delay", {
      spec: { ...spec, scalingMetric: "rps" },
      asked: { stable: 0, panic: 0 },
      want: 1,
    }),
    "1 pod: the load asks for 0 (345.7 requests a second over 60 s, 70 for each pod); scale-down-delay keeps what was wanted within 30 s",
  ],
];

for (const [name, given, sentence] of sentences) {
  test(`why so many pods, in a sentence: ${name}`, () => assert.equal(describe(given), sentence));
}

test("the ring keeps changes and what was held back, not every tick", () => {
  const ring = createDecisionRing();
  const at = (seconds: number) => ({ atMs: nowMs + seconds * 1000 });
  ring.add(explanation("stable window", at(0)));
  for (let tick = 1; tick < 10; tick++) ring.add(explanation("stable window", { ...at(2 * tick), before: 5 }));
  for (let tick = 10; tick < 20; tick++) ring.add(explanation("max scale", { ...at(2 * tick), before: 5 }));
  assert.deepEqual(
    ring.recorded().map(({ explanation, times }) => [explanation.rule, times]),
    [
      ["stable window", 1],
      ["max scale", 10],
    ],
  );
  assert.equal(ring.latest()?.atMs, nowMs + 38_000);
  for (let step = 0; step < 100; step++) {
    ring.add(explanation("stable window", { ...at(100 + step), before: step, want: step + 1 }));
  }
  assert.equal(ring.recorded().length, 32);
});

test("decisions of two replicas are joined in order, none twice", () => {
  const entry = (seconds: number, rule: Explanation["rule"]) => ({
    explanation: explanation(rule),
    times: 1,
    firstAtMs: nowMs + seconds * 1000,
  });
  const joined = joinDecisions(
    [entry(1, "stable window"), entry(3, "max scale")],
    [entry(2, "panic window"), entry(3, "max scale")],
  );
  assert.deepEqual(
    joined.map(({ firstAtMs }) => (firstAtMs - nowMs) / 1000),
    [1, 2, 3],
  );
});

const podAutoscaler = (annotation?: string): PodAutoscaler =>
  ({
    metadata: { namespace: "ns", name: "app" },
    status: annotation === undefined ? {} : { annotations: { [scaleReasonAnnotation]: annotation } },
  }) as unknown as PodAutoscaler;

const told = (rule: string, secondsAgo: number, pods = 5) =>
  JSON.stringify({ at: new Date(nowMs - secondsAgo * 1000).toISOString(), pods, rule, text: "" });

interface NewsRow {
  readonly name: string;
  readonly step: Partial<ScaleStep>;
  readonly annotation?: string;
  /** Reason and text of the Event; undefined when there is nothing to tell. */
  readonly event: string | undefined;
}

const load = "345.7 concurrent requests over 60 s, 70 for each pod";
const newsRows: NewsRow[] = [
  { name: "nothing was decided", step: { latest: undefined }, event: undefined },
  { name: "nothing changed", step: {}, event: undefined },
  { name: "nothing is known of the scale", step: { want: -1, scaledFrom: 3 }, event: undefined },
  { name: "more pods", step: { scaledFrom: 4 }, event: `ScaledUp from 4 to 5 pods: ${load}` },
  { name: "fewer pods", step: { scaledFrom: 9 }, event: `ScaledDown from 9 to 5 pods: ${load}` },
  { name: "the replicas were so already", step: { scaledFrom: 5 }, event: undefined },
  {
    name: "a bound was changed before anything was decided",
    step: { latest: undefined, rule: "min scale", scaledFrom: 2 },
    event: "ScaledUp from 2 to 5 pods: min scale",
  },
  {
    name: "pods begin to be held back",
    step: { rule: "max scale" },
    event: `ScaleHeldBack 5 pods: the load asks for 5 (${load}); max-scale is 30`,
  },
  {
    name: "that they are held back was told",
    step: { rule: "max scale" },
    annotation: told("max scale", 600),
    event: undefined,
  },
  {
    name: "something was told just now",
    step: { rule: "max scale" },
    annotation: told("scale down delay", 20),
    event: undefined,
  },
  {
    name: "somebody wrote something else into the annotation",
    step: { rule: "max scale" },
    annotation: "{",
    event: `ScaleHeldBack 5 pods: the load asks for 5 (${load}); max-scale is 30`,
  },
];

for (const { name, step, annotation, event } of newsRows) {
  test(`news of a revision's scale: ${name}`, () => {
    const latest = explanation("stable window");
    const news = newsOf(podAutoscaler(annotation), { latest, want: 5, rule: undefined, bounds, nowMs, ...step });
    assert.equal(news && `${news.eventReason} ${news.text}`, event);
    if (news) assert.equal(JSON.parse(news.annotation).pods, 5);
  });
}
