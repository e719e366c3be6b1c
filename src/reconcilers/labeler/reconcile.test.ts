import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../apis/meta.ts";
import { Route } from "../../apis/serving/route.ts";
import { defaultServingConfig } from "../../config/serving-config.ts";
import type { Induce } from "../../testing/fake-client.ts";
import { conditions, testConfiguration, testRevision, testRoute } from "../../testing/serving-objects.ts";
import { assertSurvivesFaults } from "../../testing/settle.ts";
import { type Row, reconcileOnce } from "../../testing/table.ts";
import { type LabelerDeps, labelerReconciler, leavesMarks } from "./reconcile.ts";

const finalizer = "routes.serving.knative.dev";
const group = "serving.knative.dev";
const now = "2024-01-02T03:04:05Z";

const rowOf = (
  objects: readonly KubeObject[],
  induce: readonly Induce[] = [],
): Row<Route, LabelerDeps, typeof defaultServingConfig> => ({
  ...labelerReconciler,
  key: "ns/hello",
  objects,
  induce,
  now,
  config: defaultServingConfig,
});
const run = (...args: Parameters<typeof rowOf>) => reconcileOnce(rowOf(...args));

const route = (traffic: string | undefined, ready: "True" | "Unknown" = "True", metadata: object = {}) =>
  testRoute({
    metadata: { finalizers: [finalizer], ...metadata },
    status: {
      ...conditions({ Ready: ready }),
      traffic: traffic ? [{ revisionName: traffic, percent: 100 }] : [],
    },
  });
const configuration = (latestCreatedRevisionName: string, routes?: string) =>
  testConfiguration({
    metadata: { annotations: routes ? { [`${group}/routes`]: routes } : {} },
    status: { latestCreatedRevisionName },
  });
const revision = (generation: number, state: string, routes?: string) => {
  const plain = testRevision(generation);
  return testRevision(generation, {
    metadata: {
      labels: { ...plain.metadata.labels, [`${group}/routingState`]: state },
      annotations: routes ? { [`${group}/routes`]: routes } : {},
    },
  });
};
const active = { [`${group}/routingState`]: "active" };
const reserve = { [`${group}/routingState`]: "reserve" };
const modified = { [`${group}/routingStateModified`]: now };

for (const [name, objects, patches] of [
  [
    "what a Route refers to is marked: the revision, its Configuration, and the latest that was made",
    [route("hello-00001"), configuration("hello-00002"), revision(1, "pending"), revision(2, "pending")],
    [
      ["hello-00001", { labels: active, annotations: { [`${group}/routes`]: "hello", ...modified } }],
      ["hello-00002", { labels: active, annotations: { [`${group}/routes`]: "hello", ...modified } }],
      ["hello", { annotations: { [`${group}/routes`]: "hello" } }],
    ],
  ],
  [
    "what is marked already is left alone",
    [route("hello-00001"), configuration("hello-00001", "hello"), revision(1, "active", "hello")],
    [],
  ],
  [
    "a Route joins those that refer to the same revision",
    [route("hello-00001"), configuration("hello-00001", "hello"), revision(1, "active", "other")],
    [["hello-00001", { annotations: { [`${group}/routes`]: "other,hello" } }]],
  ],
  [
    "a revision that the Route has left goes to the reserve, once the Route is ready",
    [
      route("hello-00002"),
      configuration("hello-00002", "hello"),
      revision(1, "active", "hello"),
      revision(2, "active", "hello"),
    ],
    [["hello-00001", { labels: reserve, annotations: { [`${group}/routes`]: null, ...modified } }]],
  ],
  [
    "a revision that its Configuration does not tell of yet keeps the mark that it was made with",
    [
      route("hello-00002"),
      configuration("hello-00002", "hello"),
      revision(1, "active", "hello"),
      revision(2, "active", "hello"),
      revision(3, "active", "hello"),
    ],
    [["hello-00001", { labels: reserve, annotations: { [`${group}/routes`]: null, ...modified } }]],
  ],
  [
    "a revision that another Route still refers to stays active",
    [
      route("hello-00002"),
      configuration("hello-00002", "hello"),
      revision(1, "active", "hello,other"),
      revision(2, "active", "hello"),
    ],
    [["hello-00001", { annotations: { [`${group}/routes`]: "other" } }]],
  ],
  [
    "while the Route is not settled, marks are only added",
    [
      route("hello-00002", "Unknown"),
      configuration("hello-00002", "hello"),
      revision(1, "active", "hello"),
      revision(2, "pending"),
    ],
    [["hello-00002", { labels: active, annotations: { [`${group}/routes`]: "hello", ...modified } }]],
  ],
  ["targets that do not exist yet are waited for", [route("hello-00007")], []],
  [
    "a revision that an old version left without a state gets one",
    [
      route("hello-00001"),
      configuration("hello-00001", "hello"),
      testRevision(1, { metadata: { annotations: { [`${group}/routes`]: "hello" } } }),
    ],
    [["hello-00001", { labels: active, annotations: modified }]],
  ],
] as const) {
  test(name, async () => {
    const report = await run([...objects]);
    assert.equal(report.error, undefined);
    assert.deepEqual(
      report.patches.map(({ name: object, patch }) => [object, (patch!.body as { metadata: object }).metadata]),
      patches,
    );
    assert.deepEqual(report.statusUpdates, []);
  });
}

test("a Route that is deleted takes its marks along, then goes", async () => {
  const doomed = route("hello-00001", "True", { deletionTimestamp: now });
  const report = await run([doomed, configuration("hello-00001", "hello"), revision(1, "active", "hello")]);
  assert.deepEqual(
    report.patches.map(({ resource, name }) => `${resource} ${name}`),
    ["configurations hello", "revisions hello-00001", "routes hello"],
  );
});

test("while marks cannot be taken away, a deleted Route stays", async () => {
  const doomed = route("hello-00001", "True", { deletionTimestamp: now });
  const objects = [doomed, configuration("hello-00001", "hello"), revision(1, "active", "hello")];
  const report = await run(objects, [{ verb: "patch", resource: "revisions" }]);
  assert.match(
    String(report.error),
    /failed to remove route annotation to .*Kind=Revision "hello-00001": inducing failure/,
  );
  assert.deepEqual(report.client.stored(Route, doomed.metadata)?.metadata.finalizers, [finalizer]);
});

for (const [what, routeMetadata] of [
  ["is new", { finalizers: [] }],
  ["is deleted", { deletionTimestamp: now }],
] as const) {
  test(`whatever error one write meets, the marks of a Route that ${what} end as they would have without`, () =>
    assertSurvivesFaults(
      rowOf([
        route("hello-00002", "True", routeMetadata),
        configuration("hello-00002"),
        revision(1, "active", "hello"),
        revision(2, "pending"),
      ]),
      ["not found at patch routes"],
    ));
}

for (const [what, made, leaves] of [
  ["a Service's Route that follows its own Configuration", testRoute(), false],
  ["a Route of nobody", testRoute({ metadata: { ownerReferences: [] } }), true],
  [
    "a Route that names a revision",
    testRoute({ spec: { traffic: [{ revisionName: "hello-00001", percent: 100 }] } }),
    true,
  ],
  [
    "a Route to its own Configuration and to a revision",
    testRoute({
      spec: {
        traffic: [
          { configurationName: "hello", percent: 90 },
          { revisionName: "hello-00001", percent: 10 },
        ],
      },
    }),
    true,
  ],
  [
    "a Route to another Configuration",
    testRoute({ spec: { traffic: [{ configurationName: "other", percent: 100 }] } }),
    true,
  ],
] as const) {
  test(`${what} ${leaves ? "is held back" : "needs no finalizer"} when it is deleted`, () => {
    assert.equal(leavesMarks(made), leaves);
  });
}
