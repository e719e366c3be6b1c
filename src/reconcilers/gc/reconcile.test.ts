import assert from "node:assert/strict";
import { test } from "node:test";
import type { Configuration } from "../../apis/serving/configuration.ts";
import type { Revision } from "../../apis/serving/revision.ts";
import { defaultServingConfig, type ServingConfig } from "../../config/serving-config.ts";
import { apiError } from "../../kube/errors.ts";
import type { Induce } from "../../testing/fake-client.ts";
import { testConfiguration, testRevision } from "../../testing/serving-objects.ts";
import { assertSurvivesFaults } from "../../testing/settle.ts";
import { type Row, reconcileOnce } from "../../testing/table.ts";
import { type GcDeps, gcReconciler } from "./reconcile.ts";

const reserved = (generation: number, metadata: object = {}) => {
  const plain = testRevision(generation).metadata;
  return testRevision(generation, {
    metadata: { labels: { ...plain.labels, "serving.knative.dev/routingState": "reserve" }, ...metadata },
  });
};

const rowOf = (
  gc: Partial<ServingConfig["gc"]>,
  revisions: readonly Revision[],
  induce: readonly Induce[] = [],
): Row<Configuration, GcDeps, ServingConfig> => ({
  ...gcReconciler,
  key: "ns/hello",
  objects: [testConfiguration(), ...revisions],
  induce,
  config: { ...defaultServingConfig, gc: { ...defaultServingConfig.gc, minNonActiveRevisions: 0, ...gc } },
});
const run = (...args: Parameters<typeof rowOf>) => reconcileOnce(rowOf(...args));

test("revisions are deleted as the very ones that were looked at, and the status is left alone", async () => {
  const report = await run({ maxNonActiveRevisions: 0 }, [reserved(1)]);
  assert.deepEqual(
    report.actions.map(({ verb, name, options }) => [verb, name, options]),
    [["delete", "hello-00001", { preconditions: { uid: "uid-Revision-hello-00001" } }]],
  );
});

test("one that is being deleted already is not deleted again", async () => {
  const report = await run({ maxNonActiveRevisions: 0 }, [reserved(1, { deletionTimestamp: "2024-01-01T00:00:00Z" })]);
  assert.deepEqual(report.actions, []);
});

test("the next look is when the next revision's time has come", async () => {
  const report = await run({ maxNonActiveRevisions: 0, gracePeriodMs: 26 * 3_600_000 }, [reserved(1)]);
  assert.deepEqual(report.actions, []);
  assert.equal(report.outcome?.requeueAfterMs, 2 * 3_600_000);
});

test("a revision that cannot be deleted does not hold up the others, and is tried again", async () => {
  const induce: Induce = { verb: "delete", resource: "revisions", times: 1 };
  const report = await run({ maxNonActiveRevisions: 0 }, [reserved(1), reserved(2)], [induce]);
  assert.equal(report.deletes.length, 2);
  assert.match(String(report.error), /inducing failure/);
});

test("a revision that is gone already is no failure", async () => {
  const induce: Induce = { verb: "delete", resource: "revisions", error: apiError(404, "NotFound", "gone") };
  const report = await run({ maxNonActiveRevisions: 0 }, [reserved(1)], [induce]);
  assert.equal(report.error, undefined);
});

test("whatever error one delete meets, the same revisions are gone in the end", () =>
  assertSurvivesFaults(rowOf({ maxNonActiveRevisions: 0 }, [reserved(1), reserved(2), testRevision(3)])));
