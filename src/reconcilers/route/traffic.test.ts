import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Configuration } from "../../apis/serving/configuration.ts";
import type { Revision } from "../../apis/serving/revision.ts";
import type { Route, TrafficTarget } from "../../apis/serving/route.ts";
import { baseRollout, resolveTraffic, statusTraffic } from "./traffic.ts";

const api = "serving.knative.dev/v1";

function makeRoute(traffic: TrafficTarget[]): Route {
  return { apiVersion: api, kind: "Route", metadata: { name: "r", namespace: "ns" }, spec: { traffic } };
}

function makeRevision(name: string, ready = "True"): Revision {
  const labels = { "serving.knative.dev/configuration": name.split("-")[0]! };
  const status = { conditions: [{ type: "Ready", status: ready }] };
  return {
    apiVersion: api,
    kind: "Revision",
    metadata: { name, namespace: "ns", labels },
    spec: { containers: [{ name: "app" }] },
    status,
  } as Revision;
}

function makeConfiguration(name: string, latestReadyRevisionName?: string): Configuration {
  const status = latestReadyRevisionName ? { latestReadyRevisionName } : {};
  return {
    apiVersion: api,
    kind: "Configuration",
    metadata: { name, namespace: "ns" },
    spec: {},
    status,
  } as Configuration;
}

const revisions = ["c-1", "c-2", "d-1"].map((name) => makeRevision(name));
const configurations = [makeConfiguration("c", "c-2"), makeConfiguration("d", "d-1"), makeConfiguration("new")];
const listerOf = <T extends { metadata: { name: string } }>(objects: readonly T[]) => ({
  get: ({ name }: { readonly name: string }) => objects.find(({ metadata }) => metadata.name === name),
});
const resolve = (traffic: TrafficTarget[], more: Revision[] = []) =>
  resolveTraffic(makeRoute(traffic), listerOf(configurations), listerOf([...revisions, ...more]));

const problems: readonly [sentence: string, target: TrafficTarget, problem: object][] = [
  [
    "a configuration that is missing",
    { configurationName: "x" },
    { type: "missing", kind: "Configuration", name: "x" },
  ],
  ["a revision that is missing", { revisionName: "x" }, { type: "missing", kind: "Revision", name: "x" }],
  [
    "a configuration without a ready revision",
    { configurationName: "new" },
    { type: "unready", kind: "Configuration", name: "new", failed: false },
  ],
  ["a revision that failed", { revisionName: "c-8" }, { type: "unready", kind: "Revision", name: "c-8", failed: true }],
  [
    "a revision that is not ready yet",
    { revisionName: "c-9" },
    { type: "unready", kind: "Revision", name: "c-9", failed: false },
  ],
];

for (const [sentence, target, problem] of problems) {
  test(`no traffic is assigned to ${sentence}`, () => {
    const unready = [makeRevision("c-8", "False"), makeRevision("c-9", "Unknown")];
    const traffic = resolve(
      [
        { revisionName: "c-1", percent: 0 },
        { ...target, percent: 100 },
      ],
      unready,
    );
    assert.deepEqual(traffic.problem, problem);
    assert.equal(traffic.targets.size, 0);
    assert.deepEqual(traffic.flattened, []);
  });
}

test("a failure is told rather than something that only takes time", () => {
  const { problem, missing } = resolve([
    { configurationName: "new" },
    { revisionName: "gone" },
    { configurationName: "new" },
  ]);
  assert.equal(problem?.type, "missing");
  assert.deepEqual(missing, [{ kind: "Revision", name: "gone" }]);
});

for (const [sentence, containers, protocol] of [
  ["a container without ports", [{}], "http1"],
  ["a port without a name", [{ ports: [{ containerPort: 80 }] }], "http1"],
  ["a port for HTTP/2", [{ ports: [{ name: "h2c", containerPort: 80 }] }], "h2c"],
  ["a sidecar first", [{}, { ports: [{ name: "h2c", containerPort: 80 }] }], "h2c"],
  ["no ports in either", [{}, {}], "http1"],
] as const) {
  test(`${sentence} is asked by ${protocol}`, () => {
    const spec = { containers } as unknown as NonNullable<Revision["spec"]>;
    const { targets } = resolve([{ revisionName: "c-7", percent: 100 }], [{ ...makeRevision("c-7"), spec }]);
    assert.equal(targets.get("")?.[0]?.protocol, protocol);
  });
}

test("what is named twice alike is one in the status; a tag, or another way of naming it, makes two", () => {
  const latest = { configurationName: "c", latestRevision: true };
  const { flattened } = resolve([
    { revisionName: "c-2", percent: 10 },
    { revisionName: "c-2", latestRevision: false, percent: 20 },
    { revisionName: "c-1", percent: 30 },
    { revisionName: "c-2", tag: "t", percent: 5 },
    { ...latest, percent: 15 },
    { ...latest, percent: 20 },
  ]);
  assert.deepEqual(
    flattened.map(({ revisionName, tag = "", latestRevision = false, percent }) => [
      revisionName,
      tag,
      latestRevision,
      percent,
    ]),
    [
      ["c-2", "", false, 30],
      ["c-1", "", false, 30],
      ["c-2", "t", false, 5],
      ["c-2", "", true, 35],
    ],
  );
});

const target = fc.record({
  tag: fc.constantFrom(undefined, undefined, "a", "b"),
  to: fc.constantFrom(
    { configurationName: "c", latestRevision: true },
    { configurationName: "d", latestRevision: true },
    { revisionName: "c-1" },
    { revisionName: "c-2" },
  ),
  weight: fc.integer({ min: 0, max: 100 }),
});

test("shares add up to 100, in the targets of every tag and in the status", () => {
  fc.assert(
    fc.property(fc.array(target, { minLength: 1, maxLength: 6 }), (wishes) => {
      const total = wishes.reduce((sum, { weight }) => sum + weight, 0) || 1;
      const seen = new Set<string>();
      let left = 100;
      const spec = wishes.map(({ tag, to, weight }, at): TrafficTarget => {
        const percent = at === wishes.length - 1 ? left : Math.min(left, Math.floor((weight * 100) / total));
        left -= percent;
        const isNew = tag !== undefined && !seen.has(tag) && seen.add(tag);
        return { ...to, percent, latestRevision: to.latestRevision ?? false, ...(isNew && { tag }) };
      });
      const traffic = resolve(spec);
      const sum = (targets: readonly { percent?: number }[]) =>
        targets.reduce((all, { percent = 0 }) => all + percent, 0);
      assert.equal(sum(traffic.targets.get("")!), 100);
      for (const tag of seen) assert.equal(sum(traffic.targets.get(tag)!), 100);
      assert.equal(sum(statusTraffic(traffic, {}, (tag) => `http://${tag}`)), 100);
      for (const { percent, revisions: shares = [] } of baseRollout(traffic).configurations ?? [])
        assert.equal(sum(shares), percent);
    }),
  );
});
