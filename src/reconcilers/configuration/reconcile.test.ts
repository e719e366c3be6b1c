import assert from "node:assert/strict";
import { test } from "node:test";
import type { Configuration } from "../../apis/serving/configuration.ts";
import { defaultServingConfig } from "../../config/serving-config.ts";
import { apiError } from "../../kube/errors.ts";
import { conditions, linesOf, testConfiguration, testRevision } from "../../testing/serving-objects.ts";
import { assertSurvivesFaults } from "../../testing/settle.ts";
import { type Row, reconcileOnce } from "../../testing/table.ts";
import { type ConfigurationDeps, configurationReconciler } from "./reconcile.ts";

type ConfigurationRow = Pick<Row<Configuration, ConfigurationDeps, typeof defaultServingConfig>, "objects" | "induce">;

const rowOf = (row: ConfigurationRow): Row<Configuration, ConfigurationDeps, typeof defaultServingConfig> => ({
  ...configurationReconciler,
  key: "ns/hello",
  config: defaultServingConfig,
  ...row,
});
const run = (row: ConfigurationRow) => reconcileOnce(rowOf(row));

const ready = { status: conditions({ Ready: "True" }) };
const failed = { status: conditions({ Ready: ["False", "ExitCode1", "it crashed"] }) };
const unknown = { status: conditions({ Ready: ["Unknown", "Deploying"] }) };
const at = (generation: number, latestReadyRevisionName?: string) =>
  testConfiguration({
    metadata: { generation },
    status: { observedGeneration: generation, ...(latestReadyRevisionName && { latestReadyRevisionName }) },
  });
const template = testConfiguration().spec.template;
const named = (name = "hello-byo") => testConfiguration({ spec: { template: { ...template, metadata: { name } } } });

interface Case {
  readonly name: string;
  readonly row: ConfigurationRow;
  readonly created?: string;
  readonly ready: string;
  readonly latestCreated?: string;
  readonly latestReady?: string;
  readonly events?: readonly string[];
  readonly error?: RegExp;
}

const cases: readonly Case[] = [
  {
    name: "a new Configuration gets its first Revision",
    row: { objects: [testConfiguration()] },
    created: "hello-00001",
    ready: "Ready=Unknown",
    latestCreated: "hello-00001",
    events: ['Normal Created Created Revision "hello-00001"'],
  },
  {
    name: "every generation gets a Revision, and the ready one stays until the new one is",
    row: { objects: [at(2, "hello-00001"), testRevision(1, ready)] },
    created: "hello-00002",
    ready: "Ready=Unknown",
    latestCreated: "hello-00002",
    latestReady: "hello-00001",
    events: ['Normal Created Created Revision "hello-00002"'],
  },
  {
    name: "the first Revision that becomes ready makes the Configuration ready",
    row: { objects: [at(1), testRevision(1, ready)] },
    ready: "Ready=True",
    latestCreated: "hello-00001",
    latestReady: "hello-00001",
    events: [
      "Normal ConfigurationReady Configuration becomes ready",
      'Normal LatestReadyUpdate LatestReadyRevisionName updated to "hello-00001"',
    ],
  },
  {
    name: "a Revision that is ready for an older spec of its own is not ready",
    row: { objects: [at(1), testRevision(1, { status: { ...ready.status, observedGeneration: 0 } })] },
    ready: "Ready=Unknown",
    latestCreated: "hello-00001",
    events: ["Normal ConfigurationReady Configuration becomes ready"],
  },
  {
    name: "a Revision that fails is told with its message",
    row: { objects: [at(1), testRevision(1, failed)] },
    ready: 'Ready=False RevisionFailed: Revision "hello-00001" failed with message: it crashed.',
    latestCreated: "hello-00001",
    events: ['Warning LatestCreatedFailed Latest created revision "hello-00001" has failed'],
  },
  {
    name: "the latest ready Revision that fails is told so",
    row: { objects: [at(1, "hello-00001"), testRevision(1, failed)] },
    ready: 'Ready=False RevisionFailed: Revision "hello-00001" failed with message: it crashed.',
    latestCreated: "hello-00001",
    latestReady: "hello-00001",
    events: ['Warning LatestReadyFailed Latest ready revision "hello-00001" has failed'],
  },
  {
    name: "why a Revision is not ready yet is passed on",
    row: {
      objects: [
        at(1),
        testRevision(1, { status: conditions({ Ready: ["Unknown", "FailedMount", "no such secret"] }) }),
      ],
    },
    ready: "Ready=Unknown FailedMount: no such secret",
    latestCreated: "hello-00001",
  },
  {
    name: "the newest ready Revision is taken, over a failed one",
    row: {
      objects: [
        at(4, "hello-00001"),
        testRevision(1, ready),
        testRevision(2, ready),
        testRevision(3, ready),
        testRevision(4, failed),
      ],
    },
    ready: 'Ready=False RevisionFailed: Revision "hello-00004" failed with message: it crashed.',
    latestCreated: "hello-00004",
    latestReady: "hello-00003",
    events: [
      'Warning LatestCreatedFailed Latest created revision "hello-00004" has failed',
      'Normal LatestReadyUpdate LatestReadyRevisionName updated to "hello-00003"',
    ],
  },
  {
    name: "an older Revision that becomes ready late is not gone back to",
    row: {
      objects: [at(3, "hello-00002"), testRevision(1, ready), testRevision(2, unknown), testRevision(3, unknown)],
    },
    ready: "Ready=Unknown",
    latestCreated: "hello-00003",
    latestReady: "hello-00002",
  },
  {
    name: "where the latest ready Revision was deleted, the newest of the others takes over",
    row: { objects: [at(3, "hello-00002"), testRevision(1, ready), testRevision(3, unknown)] },
    ready: "Ready=Unknown",
    latestCreated: "hello-00003",
    latestReady: "hello-00001",
    events: ['Normal LatestReadyUpdate LatestReadyRevisionName updated to "hello-00001"'],
  },
  {
    name: "a Revision gets the name that the user chose",
    row: { objects: [named()] },
    created: "hello-byo",
    ready: "Ready=Unknown",
    latestCreated: "hello-byo",
    events: ['Normal Created Created Revision "hello-byo"'],
  },
  {
    name: "a named Revision of another Configuration is left alone",
    row: { objects: [named(), testRevision(1, { metadata: { name: "hello-byo", ownerReferences: [] } })] },
    ready:
      'Ready=False RevisionFailed: Revision creation failed with message: revisions.serving.knative.dev "hello-byo" already exists.',
  },
  {
    name: "a named Revision of an earlier template is a conflict",
    row: {
      objects: [
        { ...named(), metadata: { ...named().metadata, generation: 2 } },
        testRevision(1, { metadata: { name: "hello-byo" }, spec: { containers: [{ name: "other" }] } }),
      ],
    },
    ready:
      'Ready=False RevisionFailed: Revision creation failed with message: revisions.serving.knative.dev "hello-byo" already exists.',
  },
  {
    name: "a named Revision of the same template is used again",
    row: {
      objects: [
        { ...named(), metadata: { ...named().metadata, generation: 2 } },
        testRevision(1, { metadata: { name: "hello-byo" }, ...ready, spec: template.spec }),
      ],
    },
    ready: "Ready=True",
    latestCreated: "hello-byo",
    latestReady: "hello-byo",
    events: [
      "Normal ConfigurationReady Configuration becomes ready",
      'Normal LatestReadyUpdate LatestReadyRevisionName updated to "hello-byo"',
    ],
  },
  {
    name: "a Revision that cannot be created is told with the server's words",
    row: {
      objects: [testConfiguration()],
      induce: [{ verb: "create", resource: "revisions", error: apiError(403, "Forbidden", "quota exceeded") }],
    },
    created: "hello-00001",
    ready: "Ready=False RevisionFailed: Revision creation failed with message: quota exceeded.",
    events: [
      "Warning CreationFailed Failed to create Revision: quota exceeded",
      "Warning InternalError failed to create Revision: quota exceeded",
    ],
    error: /quota exceeded/,
  },
  {
    name: "a Configuration goes back to a named Revision of long ago",
    row: {
      objects: [
        testConfiguration({
          metadata: { generation: 3 },
          spec: { template: { ...template, metadata: { name: "hello-byo" } } },
          status: { observedGeneration: 3, latestReadyRevisionName: "hello-00002" },
        }),
        testRevision(1, { metadata: { name: "hello-byo" }, ...ready, spec: template.spec }),
        testRevision(2, ready),
      ],
    },
    ready: "Ready=True",
    latestCreated: "hello-byo",
    latestReady: "hello-byo",
    events: ['Normal LatestReadyUpdate LatestReadyRevisionName updated to "hello-byo"'],
  },
  {
    name: "a Revision that the cache has not seen yet is no failure that users hear of",
    row: {
      objects: [testConfiguration()],
      induce: [{ verb: "create", resource: "revisions", error: apiError(409, "AlreadyExists", "there is one") }],
    },
    created: "hello-00001",
    ready: "Ready=Unknown",
    events: ["Warning InternalError failed to create Revision: there is one"],
    error: /there is one/,
  },
];

for (const { name, row, created, ready: wanted, latestCreated, latestReady, events = [], error } of cases) {
  test(name, async () => {
    const report = await run(row);
    assert.deepEqual(
      report.creates.map(({ metadata }) => metadata.name),
      created ? [created] : [],
    );
    const { status } = report.outcome!;
    assert.deepEqual(linesOf(status?.conditions), [wanted]);
    assert.equal(status?.latestCreatedRevisionName, latestCreated);
    assert.equal(status?.latestReadyRevisionName, latestReady);
    assert.deepEqual(report.events, events);
    if (error) assert.match(String(report.error), error);
    else assert.equal(report.error, undefined);
  });
}

test("a settled Configuration asks nothing of the API server", async () => {
  const first = await run({ objects: [at(1), testRevision(1, ready)] });
  const second = await run({ objects: [first.statusUpdates[0] as Configuration, testRevision(1, ready)] });
  assert.deepEqual(second.actions, []);
  assert.deepEqual(second.events, []);
});

test("a status that cannot be written is tried again", async () => {
  const report = await run({
    objects: [at(1), testRevision(1, ready)],
    induce: [{ verb: "updateStatus", resource: "configurations" }],
  });
  assert.match(String(report.error), /inducing failure/);
});

test("whatever error one write meets, the Configuration ends as it would have without", async () => {
  await assertSurvivesFaults(rowOf({ objects: [testConfiguration()] }));
  await assertSurvivesFaults(rowOf({ objects: [named()] }));
});

const ofNobody = { metadata: { ownerReferences: [] } };
const firstRevision = testRevision(1, unknown);
for (const [name, objects, waitMs] of [
  ["that its first Revision is under way", [testConfiguration({ status: {} }), firstRevision], 10_000],
  ["that another Revision is under way", [testConfiguration({ metadata: { generation: 2 }, ...ready })], 10_000],
  [
    "of nobody: that its first Revision is under way",
    [testConfiguration({ ...ofNobody, status: {} }), firstRevision],
    3000,
  ],
  [
    "of nobody: that another Revision is under way",
    [testConfiguration({ ...ofNobody, metadata: { ...ofNobody.metadata, generation: 2 }, ...ready })],
    undefined,
  ],
  ["that a name of the user's choice is free", [named()], undefined],
  [
    "what its Revision complains of",
    [
      testConfiguration({ status: {} }),
      testRevision(1, { status: conditions({ Ready: ["Unknown", "Unschedulable", "no node"] }) }),
    ],
    undefined,
  ],
  ["that its Revision has failed", [testConfiguration({ status: {} }), testRevision(1, failed)], undefined],
] as const) {
  test(`how long a Configuration may wait to say ${name}`, async () => {
    const { outcome } = await run({ objects: [...objects] });
    assert.equal(outcome?.statusMayWaitMs, waitMs);
  });
}
