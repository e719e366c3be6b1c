import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../apis/meta.ts";
import type { KnativeService } from "../../apis/serving/service.ts";
import { defaultServingConfig } from "../../config/serving-config.ts";
import { assertReport, type Expected } from "../../testing/assert-report.ts";
import { conditions, testConfiguration, testRevision, testRoute, testService } from "../../testing/serving-objects.ts";
import { assertSurvivesFaults } from "../../testing/settle.ts";
import { type Row, reconcileOnce } from "../../testing/table.ts";
import { type ServiceDeps, serviceReconciler } from "./reconcile.ts";

type ServiceRow = Pick<Row<KnativeService, ServiceDeps, typeof defaultServingConfig>, "objects" | "induce">;

const rowOf = (row: ServiceRow): Row<KnativeService, ServiceDeps, typeof defaultServingConfig> => ({
  ...serviceReconciler,
  key: "ns/hello",
  config: defaultServingConfig,
  ...row,
});
const run = (row: ServiceRow) => reconcileOnce(rowOf(row));

const ready = (revision = "hello-00001") => ({
  configuration: testConfiguration({
    status: {
      ...conditions({ Ready: "True" }),
      latestReadyRevisionName: revision,
      latestCreatedRevisionName: revision,
    },
  }),
  route: testRoute({
    status: {
      ...conditions({ Ready: "True" }),
      url: "http://hello.ns.example.com",
      traffic: [{ revisionName: revision, latestRevision: true, percent: 100 }],
    },
  }),
});

interface Case extends Expected {
  readonly name: string;
  readonly row: ServiceRow;
}

const outOfDate = "OutOfDate: The Configuration is still working to reflect the latest desired specification.";
const routeOutOfDate = "OutOfDate: The Route is still working to reflect the latest desired specification.";
const named = { template: { ...testService().spec.template, metadata: { name: "hello-byo" } } };

const cases: readonly Case[] = [
  {
    name: "a new Service gets its Configuration and Route",
    row: { objects: [testService({ status: conditions({ Ready: "Unknown" }) })] },
    writes: ["create configurations", "create routes", "updateStatus services"],
    conditions: ["ConfigurationsReady=Unknown", "Ready=Unknown", "RoutesReady=Unknown"],
    events: ['Normal Created Created Configuration "hello"', 'Normal Created Created Route "hello"'],
  },
  {
    name: "children that have not caught up are waited for",
    row: {
      objects: [
        testService(),
        testConfiguration({ metadata: { generation: 2 } }),
        testRoute({ metadata: { generation: 2 } }),
      ],
    },
    writes: ["updateStatus services"],
    conditions: [
      `ConfigurationsReady=Unknown ${outOfDate}`,
      `Ready=Unknown ${routeOutOfDate}`,
      `RoutesReady=Unknown ${routeOutOfDate}`,
    ],
  },
  {
    name: "a Service whose Configuration and Route are ready is ready, with their names and addresses",
    row: { objects: [testService(), ready().configuration, ready().route] },
    writes: ["updateStatus services"],
    conditions: ["ConfigurationsReady=True", "Ready=True", "RoutesReady=True"],
  },
  {
    name: "with a revision name of the user's the Route waits until the Configuration has judged it",
    row: { objects: [testService({ spec: named }), testConfiguration({ spec: named, metadata: { generation: 2 } })] },
    writes: ["updateStatus services"],
    conditions: [`ConfigurationsReady=Unknown ${outOfDate}`, `Ready=Unknown ${outOfDate}`, "RoutesReady=Unknown"],
  },
  {
    name: "a revision name that somebody else's Revision has keeps traffic where it is",
    row: {
      objects: [
        testService({ spec: named }),
        testConfiguration({ spec: named, status: conditions({ Ready: "True" }) }),
        testRevision(1, { metadata: { name: "hello-byo", ownerReferences: [] } }),
      ],
    },
    writes: ["updateStatus services"],
    conditions: [
      "ConfigurationsReady=True",
      'Ready=False RevisionNameTaken: The revision name "hello-byo" is taken by a conflicting Revision, so traffic will not be migrated',
      'RoutesReady=False RevisionNameTaken: The revision name "hello-byo" is taken by a conflicting Revision, so traffic will not be migrated',
    ],
  },
  {
    name: "a Configuration of somebody else's is left alone",
    row: { objects: [testService(), testConfiguration({ metadata: { ownerReferences: [] } })] },
    writes: ["updateStatus services"],
    conditions: [
      'ConfigurationsReady=False NotOwned: There is an existing Configuration "hello" that we do not own.',
      'Ready=False NotOwned: There is an existing Configuration "hello" that we do not own.',
      "RoutesReady=Unknown",
    ],
    events: ['Warning InternalError service: "hello" does not own configuration: "hello"'],
    error: /does not own configuration/,
  },
  {
    name: "a Route of somebody else's is left alone",
    row: { objects: [testService(), ready().configuration, testRoute({ metadata: { ownerReferences: [] } })] },
    writes: ["updateStatus services"],
    conditions: [
      "ConfigurationsReady=True",
      'Ready=False NotOwned: There is an existing Route "hello" that we do not own.',
      'RoutesReady=False NotOwned: There is an existing Route "hello" that we do not own.',
    ],
    events: ['Warning InternalError service: "hello" does not own route: "hello"'],
    error: /does not own route/,
  },
  {
    name: "hand-made changes of the children are undone",
    row: {
      objects: [
        testService(),
        testConfiguration({
          status: conditions({ Ready: "True" }),
          spec: { template: { spec: { containers: [{ name: "user-container", image: "other" }] } } },
        }),
        { ...ready().route, metadata: { ...ready().route.metadata, labels: { mine: "yes" } } },
      ],
    },
    writes: ["update configurations", "update routes", "updateStatus services"],
    conditions: [
      "ConfigurationsReady=True",
      "Ready=Unknown TrafficNotMigrated: Traffic is not yet migrated to the latest revision.",
      "RoutesReady=Unknown TrafficNotMigrated: Traffic is not yet migrated to the latest revision.",
    ],
  },
  {
    name: "routes that refer to the Configuration besides stay written on it",
    row: {
      objects: [
        testService(),
        {
          ...ready().configuration,
          metadata: { ...ready().configuration.metadata, annotations: { "serving.knative.dev/routes": "other,hello" } },
        },
        ready().route,
      ],
    },
    writes: ["updateStatus services"],
    conditions: ["ConfigurationsReady=True", "Ready=True", "RoutesReady=True"],
  },
  {
    name: "the reason why a child is not ready is passed on",
    row: {
      objects: [
        testService(),
        testConfiguration({ status: conditions({ Ready: ["False", "RevisionFailed", "it crashed"] }) }),
        testRoute({ status: conditions({ Ready: ["Unknown", "RevisionMissing", "waiting"] }) }),
      ],
    },
    writes: ["updateStatus services"],
    conditions: [
      "ConfigurationsReady=False RevisionFailed: it crashed",
      "Ready=False RevisionFailed: it crashed",
      "RoutesReady=Unknown RevisionMissing: waiting",
    ],
  },
  ...(
    [
      ["False", 'Configuration "hello" does not have any ready Revision.'],
      ["Unknown", 'Configuration "hello" is waiting for a Revision to become ready.'],
      ["False", 'Revision "hello-00002" failed to become ready.'],
      ["Unknown", 'Revision "hello-00002" is not yet ready.'],
    ] as const
  ).map(([ready, message]) => ({
    name: `why there is no ready revision is more telling than: ${message}`,
    row: { objects: lacking(message, ready) },
    writes: ["updateStatus services"],
    conditions: [
      `ConfigurationsReady=${ready} RevisionFailed: it crashed`,
      `Ready=${ready} RevisionFailed: it crashed`,
      `RoutesReady=${ready} RevisionMissing: ${message}`,
    ],
  })),
  ...[
    'Revision "hello-00001" failed to become ready.',
    'Revision "hello-00007" referenced in traffic not found.',
    'Configuration "other" referenced in traffic not found.',
  ].map((message) => ({
    name: `a failed latest revision does not hide what else the Route lacks: ${message}`,
    row: { objects: lacking(message) },
    writes: ["updateStatus services"],
    conditions: [
      "ConfigurationsReady=False RevisionFailed: it crashed",
      `Ready=False RevisionMissing: ${message}`,
      `RoutesReady=False RevisionMissing: ${message}`,
    ],
  })),
  {
    name: "a ready Route whose traffic is still on the earlier revision is not taken for ready",
    row: { objects: [testService(), ready("hello-00002").configuration, ready("hello-00001").route] },
    writes: ["updateStatus services"],
    conditions: [
      "ConfigurationsReady=True",
      "Ready=Unknown TrafficNotMigrated: Traffic is not yet migrated to the latest revision.",
      "RoutesReady=Unknown TrafficNotMigrated: Traffic is not yet migrated to the latest revision.",
    ],
  },
];

/** A Service whose latest revision has failed, or is about to, and whose Route says this. */
function lacking(message: string, ready: "False" | "Unknown" = "False"): KubeObject[] {
  const failed = conditions({ Ready: [ready, "RevisionFailed", "it crashed"] });
  return [
    testService(),
    testConfiguration({ status: { ...failed, latestCreatedRevisionName: "hello-00002" } }),
    testRoute({ status: conditions({ Ready: [ready, "RevisionMissing", message] }) }),
  ];
}

for (const { name, row, ...expected } of cases) {
  test(name, async () => assertReport(await run(row), expected));
}

test("a second pass over a settled Service asks nothing of the API server", async () => {
  const first = await run({ objects: [testService(), ready().configuration, ready().route] });
  const settled = first.statusUpdates[0] as KnativeService;
  const second = await run({ objects: [settled, ready().configuration, ready().route] });
  assert.deepEqual(second.actions, []);
});

test("what children say of revisions and addresses is taken over", async () => {
  const report = await run({ objects: [testService(), ready().configuration, ready().route] });
  const { status } = report.statusUpdates[0] as KnativeService;
  assert.equal(status?.latestReadyRevisionName, "hello-00001");
  assert.equal(status?.url, "http://hello.ns.example.com");
  assert.deepEqual(status?.traffic, ready().route.status?.traffic);
});

const edited = {
  configuration: testConfiguration({ metadata: { labels: {} } }),
  route: testRoute({ metadata: { labels: {} } }),
};
for (const [what, objects] of [
  ["new", [testService()]],
  ["whose children were edited", [testService(), edited.configuration, edited.route]],
] as const) {
  test(`whatever error one write meets, a Service ${what} ends as it would have without`, () =>
    assertSurvivesFaults(rowOf({ objects })));
}

const underWay = (reason: string, message: string) =>
  testConfiguration({ status: conditions({ Ready: ["Unknown", reason, message] }) });
for (const [name, objects, waitMs] of [
  [
    "that its Configuration looks at a new template",
    [testConfiguration({ metadata: { generation: 2 } }), testRoute()],
    3000,
  ],
  ["that its Revision is under way", [underWay("", ""), testRoute()], 3000],
  ["what its Revision complains of", [underWay("Unhealthy", "the probe fails"), testRoute()], undefined],
  ["that it is ready", [ready().configuration, ready().route], undefined],
] as const) {
  test(`how long a new Service may wait to say ${name}`, async () => {
    const { outcome } = await run({ objects: [testService({ status: {} }), ...objects] });
    assert.equal(outcome?.statusMayWaitMs, waitMs);
  });
}
