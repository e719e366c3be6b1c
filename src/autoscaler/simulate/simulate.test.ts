import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { keyOf } from "../../apis/meta.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import { makeDeciderSpec } from "../kpa/decider-spec.ts";
import { makeMetric } from "../kpa/metric.ts";
import { createMetricCollector } from "../metric/collector.ts";
import { createMultiScaler } from "../multi-scaler.ts";
import { emptyStat } from "../scrape/stat.ts";
import { readRecording } from "./read.ts";
import { loadAt, RecordingError } from "./recording.ts";
import { makeSubject, shippedConfig, shippedContainerConcurrency } from "./setting.ts";
import { simulateAll } from "./simulate.ts";

const example = readFileSync(new URL("../../../examples/autoscaling/step.yaml", import.meta.url), "utf8");

test("the autoscaler itself decides the same, tick by tick, on the same load and pods", async () => {
  const recording = readRecording(example, "step.yaml");
  const simulated = simulateAll(recording);
  assert.equal(simulated.length, 3);
  for (const [index, { ticks }] of simulated.entries()) {
    const clock = fakeClock();
    const begunMs = clock.now();
    const { pa, config } = makeSubject({ ...recording.base, ...recording.settings[index]!.values });
    const collector = createMetricCollector(async () => {
      const load = loadAt(recording, "concurrency", clock.now() - begunMs - 1000);
      return { ...emptyStat, podName: "all", averageConcurrentRequests: load, processUptime: 100 };
    }, clock);
    const key = keyOf(pa);
    const readyAt = new Map(ticks.map(({ atMs, readyPods }) => [atMs, readyPods]));
    const scaler = createMultiScaler(
      () => {
        const averages = collector.averages(key, "concurrency");
        if (typeof averages === "string") return undefined;
        const atMs = Math.floor((clock.now() - begunMs) / 1000) * 1000;
        return { readyPods: readyAt.get(atMs)!, stableValue: averages.stable, panicValue: averages.panic };
      },
      () => 0,
      clock,
    );
    const decided: number[] = [];
    scaler.onDecision((_, { desiredPods }) => decided.push(Math.min(30, Math.max(2, desiredPods))));
    collector.collect(makeMetric(pa, "somewhere", config));
    // The decision comes half a second after the scrape.
    await clock.advance(500);
    scaler.advise(key, makeDeciderSpec(pa, config));
    await clock.advance(recording.untilMs);
    collector.close();
    scaler.close();
    assert.deepEqual(
      decided,
      ticks.map(({ desiredPods }) => desiredPods),
    );
  }
});

test("settings begin from what an installation is shipped with", () => {
  const manifest = readFileSync(new URL("../../../manifests/config.yaml", import.meta.url), "utf8");
  const maps = new Map(
    parseAllDocuments(manifest).map((document) => {
      const { metadata, data } = document.toJS() as { metadata: { name: string }; data: Record<string, string> };
      return [metadata.name, data];
    }),
  );
  assert.deepEqual(maps.get("config-autoscaler"), shippedConfig);
  assert.equal(maps.get("config-defaults")!["container-concurrency"], String(shippedContainerConcurrency));
});

const seen = (at: string, panic: number, to: number) => ({
  at,
  metric: "concurrency",
  observed: { stable: 100, panic, readyPods: 2 },
  to,
});

interface Outcome {
  readonly name: string;
  readonly file: string;
  readonly load: string;
  /** Pods asked for at the end, and at most. */
  readonly last: number;
  readonly most: number;
}

const outcomes: Outcome[] = [
  { name: "min-scale holds", file: "a.yaml", load: "load: [{time: 0, concurrency: 1}]", last: 2, most: 2 },
  { name: "max-scale holds", file: "a.yaml", load: "load: [{time: 0, concurrency: 1e6}]", last: 30, most: 30 },
  {
    name: "no bounds",
    file: "a.yaml",
    load: "base: {max-scale: 0}\nload: [{time: 0, concurrency: 7000}]",
    last: 100,
    most: 100,
  },
  {
    name: "rps, scaled by concurrency through the time that a request takes",
    file: "a.yaml",
    load: "request-time: 500ms\nload: [{time: 0s, rps: 700}]",
    last: 5,
    most: 5,
  },
  {
    name: "rps",
    file: "a.json",
    load: '{"base": {"metric": "rps", "target": 100}, "load": [{"time": 0, "rps": 700}]}',
    last: 10,
    most: 10,
  },
  {
    name: "CSV with dates",
    file: "a.csv",
    load: "time,concurrency\n2024-01-01T00:00:00Z,700\n2024-01-01T00:02:00Z,0\n",
    last: 2,
    most: 10,
  },
  {
    name: "the answer of /decisions",
    file: "seen.json",
    load: JSON.stringify({
      latest: seen("2023-11-14T22:13:24Z", 280, 4),
      decisions: [seen("2023-11-14T22:13:20Z", 140, 2), seen("2023-11-14T22:13:24Z", 280, 4)],
    }),
    last: 4,
    most: 4,
  },
];

for (const { name, file, load, last, most } of outcomes) {
  test(`simulated: ${name}`, () => {
    const [only] = simulateAll(readRecording(load, file));
    assert.equal(only!.ticks.at(-1)!.desiredPods, last);
    assert.equal(only!.summary.mostPods, most);
  });
}

test("pods are ready after their delay, and the time without them counts as overload", () => {
  const load = "pods: 1\nbase: {min-scale: 1, container-concurrency: 10, pod-start-delay: 10s}\nuntil: 1m\n";
  const [run] = simulateAll(readRecording(`${load}load: [{time: 0, concurrency: 20}]`, "a.yaml"));
  const asked = run!.ticks.find(({ desiredPods }) => desiredPods === 3)!;
  const ready = run!.ticks.find(({ readyPods }) => readyPods === 3)!;
  assert.deepEqual([asked.atMs, ready.atMs], [2000, 12_000]);
  assert.equal(run!.summary.overloadedSeconds, 11);
});

const refusals: [file: string, text: string, message: RegExp][] = [
  ["a.yaml", "", /^a\.yaml: is empty$/],
  ["a.yaml", "load: [", /^a\.yaml:1: /],
  ["a.yaml", "- 1", /^a\.yaml:1: .* is not a map/],
  ["a.yaml", "laod: []", /^a\.yaml:1: unknown field "laod"; there are load, /],
  ["a.yaml", "load: []", /^a\.yaml:1: load: must be a list of points/],
  [
    "a.yaml",
    "load:\n- {time: 0, concurrency: -1}",
    /^a\.yaml:2: load\[0\]\.concurrency: -1 is not a number of at least 0$/,
  ],
  ["a.yaml", "load:\n- {time: 0, concurrency: .nan}", /^a\.yaml:2: load\[0\]\.concurrency: .* is not a number/],
  ["a.yaml", "load:\n- {time: soon, rps: 1}", /^a\.yaml:2: load\[0\]\.time: "soon" is no duration/],
  ["a.yaml", "load:\n- {time: 0, rps: 1}\n- {time: 0, rps: 2}", /^a\.yaml:3: load\[1\]: is not later/],
  [
    "a.yaml",
    "load:\n- {time: 0, rps: 1}\n- {time: 9, concurrency: 2}",
    /^a\.yaml:3: load\[1\]: has concurrency, unlike/,
  ],
  ["a.yaml", "load:\n- {time: 0}", /^a\.yaml:2: load\[0\]: has neither concurrency nor rps$/],
  [
    "a.yaml",
    "load: [{time: 0, rps: 1}]\nsettings:\n- {window: 1s}",
    /^a\.yaml:3: settings\[0\]\.window: expected 6s <= 1s <= 1h0m0s/,
  ],
  [
    "a.yaml",
    "load: [{time: 0, rps: 1}]\nsettings:\n- {windw: 1s}",
    /^a\.yaml:3: settings\[0\]\.windw: unknown setting; there are metric, /,
  ],
  [
    "a.yaml",
    "load: [{time: 0, rps: 1}]\nbase: {max-scale-up-rate: 0.5}",
    /^a\.yaml:2: base\.max-scale-up-rate: max-scale-up-rate = 0\.5, must be greater/,
  ],
  ["a.yaml", "load: [{time: 0, rps: 1}]\nuntil: 9000h", /^a\.yaml:2: until: must be from 2s to 7 days/],
  ["a.yaml", "a: &a [1]\nload: *a", /unknown field "a"/],
  ["a.json", '{"decisions": []}', /holds no decision/],
  ["a.json", '{"decisions": [{"observed": {"panic": 1}}]}', /decisions\[0\]: has no time/],
  ["a.json", '{"decisions": [{"at": "x", "observed": {"panic": 1}}]}', /decisions\[0\]\.at: "x" is no duration/],
  [
    "a.json",
    '{"decisions": [{"at": "0", "observed": {"panic": 1}, "to": 1.5}]}',
    /decisions\[0\]\.to: 1\.5 is not a whole/,
  ],
  ["a.csv", "time,load\n0,1", /^a\.csv:1: unknown column "load"/],
  ["a.csv", "time,rps\n0,1\n1,x", /^a\.csv:3: rps: "x" is not a number/],
  ["a.csv", "# c\n\ntime,rps\n0,1,2", /^a\.csv:4: has 3 cells, the heading has 2$/],
  ["a.csv", "time,rps\n", /no row follows/],
];

for (const [file, text, message] of refusals) {
  test(`refused, with the place: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => readRecording(text, file),
      (error) => error instanceof RecordingError && message.test(error.message),
      message.source,
    );
  });
}

test("a series without the metric that a setting scales by says what is missing", () => {
  const recording = readRecording("load: [{time: 0, rps: 5}]", "a.yaml");
  assert.throws(() => simulateAll(recording), /has only rps.*request-time/);
});

test("the example of the documentation is valid YAML for others too", () => {
  assert.equal((parse(example) as { settings: unknown[] }).settings.length, 3);
});
