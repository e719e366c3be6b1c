import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import type { Deployment } from "../../apis/core/deployment.ts";
import { controllerReference } from "../../apis/meta.ts";
import type { Revision } from "../../apis/serving/revision.ts";
import { apiError } from "../../kube/errors.ts";
import type { Induce } from "../../testing/fake-client.ts";
import { assertSurvivesFaults } from "../../testing/settle.ts";
import {
  bare,
  config,
  deployment,
  image,
  pinnedRevision,
  readyRevision,
  rowOf,
  run,
  scaled,
  tag,
  testPasses,
  up,
} from "./revision-world.ts";

testPasses([
  {
    name: "while tags are looked up nothing is made",
    objects: [bare],
    options: { digests: { is: "pending" } },
    writes: ["updateStatus revisions"],
    conditions: [
      "ContainerHealthy=Unknown",
      "Ready=Unknown ResolvingDigests",
      "ResourcesAvailable=Unknown ResolvingDigests",
    ],
  },
  {
    name: "one pass makes Deployment, Image and PodAutoscaler once the tags are known",
    objects: [bare],
    writes: ["create deployments", "create images", "create podautoscalers", "updateStatus revisions"],
    conditions: [
      "Active=Unknown Deploying",
      "ContainerHealthy=Unknown Deploying",
      "Ready=Unknown Deploying",
      "ResourcesAvailable=Unknown Deploying",
    ],
  },
  {
    name: "a tag that is used as it is, since its registry may fail, is told",
    objects: [bare],
    options: { digests: { is: "resolved", images: new Map([[tag, { pinned: "", warning: "using the tag" }]]) } },
    writes: ["create deployments", "create images", "create podautoscalers", "updateStatus revisions"],
    conditions: [
      "Active=Unknown Deploying",
      "ContainerHealthy=Unknown Deploying",
      "Ready=Unknown Deploying",
      "ResourcesAvailable=Unknown Deploying",
    ],
    events: ["Warning DigestUnresolved using the tag"],
  },
  {
    name: "a Deployment of somebody else's is left alone",
    objects: [pinnedRevision(), { ...up, metadata: { ...up.metadata, ownerReferences: [] } }],
    writes: ["updateStatus revisions"],
    conditions: [
      "ContainerHealthy=Unknown",
      'Ready=False NotOwned: There is an existing Deployment "hello-00001-deployment" that we do not own.',
      'ResourcesAvailable=False NotOwned: There is an existing Deployment "hello-00001-deployment" that we do not own.',
    ],
    events: ['Warning InternalError revision: "hello-00001" does not own Deployment: "hello-00001-deployment"'],
    error: /does not own Deployment/,
  },
  {
    name: "a PodAutoscaler of somebody else's is left alone",
    objects: [pinnedRevision(), up, { ...scaled, metadata: { ...scaled.metadata, ownerReferences: [] } }, image],
    writes: ["updateStatus revisions"],
    conditions: [
      "ContainerHealthy=Unknown",
      'Ready=False NotOwned: There is an existing PodAutoscaler "hello-00001" that we do not own.',
      'ResourcesAvailable=False NotOwned: There is an existing PodAutoscaler "hello-00001" that we do not own.',
    ],
    events: ['Warning InternalError revision: "hello-00001" does not own PodAutoscaler: "hello-00001"'],
    error: /does not own PodAutoscaler/,
  },
  {
    name: "a Deployment that was changed by hand is brought back, with its scale",
    objects: [readyRevision, deployment(up.status, { replicas: 4, progressDeadlineSeconds: 1 }), scaled, image],
    writes: ["update deployments", "updateStatus revisions"],
    conditions: ["Active=True", "ContainerHealthy=True", "Ready=True", "ResourcesAvailable=True"],
  },
]);

test("a settled revision asks nothing of the API server", async () => {
  const objects = [pinnedRevision(), up, scaled, image];
  const settled = (await run(objects)).statusUpdates[0] as Revision;
  const second = await run([settled, up, scaled, image]);
  assert.deepEqual(second.actions, []);
  assert.deepEqual(second.events, []);
});

test("the scale is kept when a Deployment is brought back", async () => {
  const changed = deployment(up.status, { replicas: 4, progressDeadlineSeconds: 1 });
  const report = await run([readyRevision, changed, scaled, image]);
  const { spec } = report.updates[0] as Deployment;
  assert.equal(spec.replicas, 4);
  assert.equal(spec.progressDeadlineSeconds, 600);
});

test("the log URL names the revision", async () => {
  const observability = { ...config.observability, loggingURLTemplate: ["http://logs/$", "{REVISION_UID}"].join("") };
  const report = await run([bare], { config: { ...config, observability } });
  assert.equal((report.statusUpdates[0] as Revision).status?.logUrl, `http://logs/${bare.metadata.uid}`);
});

test("a change of configuration waits for its wave", async () => {
  const others = Array.from({ length: 5 }, (_, index) => {
    const name = `other-${index}`;
    const status = { observedGeneration: 1, replicas: 2, updatedReplicas: 1, availableReplicas: 2 };
    return { ...up, metadata: { ...up.metadata, name, uid: name }, status };
  });
  const changed = deployment(up.status, { progressDeadlineSeconds: 1 });
  const report = await run([readyRevision, changed, scaled, image, ...others]);
  assert.deepEqual(report.updates, []);
  assert.equal(report.outcome?.requeueAfterMs, 3000);
  const alone = await run([readyRevision, changed, scaled, image]);
  assert.equal(alone.updates.length, 1);
});

test("a Deployment that exists at first and then does not is tried again", async () => {
  const induce: Induce = {
    verb: "create",
    resource: "deployments",
    error: apiError(409, "AlreadyExists", "there is one"),
  };
  const report = await run([bare], { induce: [induce] });
  assert.match(String(report.error), /failed to create deployment "hello-00001-deployment": deployments.apps/);
});

for (const [what, objects] of [
  ["that is new", [bare]],
  [
    "whose Deployment was edited",
    [readyRevision, deployment(up.status, { progressDeadlineSeconds: 1 }), scaled, image],
  ],
  [
    "that nothing reaches any more",
    [readyRevision, up, { ...scaled, spec: { ...scaled.spec, reachability: "Unreachable" } } as PodAutoscaler, image],
  ],
] as const) {
  test(`whatever error one write meets, a Revision ${what} ends as it would have without`, () =>
    assertSurvivesFaults(rowOf(objects), ["already exists at create images"]));
}

test("owner references lead back to the revision", async () => {
  const report = await run([bare]);
  for (const { metadata } of report.creates) assert.deepEqual(metadata.ownerReferences, [controllerReference(bare)]);
});
