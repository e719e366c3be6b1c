import assert from "node:assert/strict";
import { test } from "node:test";
import type { Metric } from "../../apis/autoscaling/metric.ts";
import type { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import type { Deployment } from "../../apis/core/deployment.ts";
import type { Pod } from "../../apis/core/pod.ts";
import { controllerReference, type KubeObject } from "../../apis/meta.ts";
import type { ServerlessService } from "../../apis/networking/serverlessservice.ts";
import { revisionLabel, revisionUidLabel } from "../../apis/serving/labels.ts";
import { parseAutoscalerConfig } from "../../config/autoscaler.ts";
import { defaultServingConfig, type ServingConfig } from "../../config/serving-config.ts";
import { conditions, linesOf } from "../../testing/serving-objects.ts";
import { assertSurvivesFaults } from "../../testing/settle.ts";
import { type Report, reconcileOnce, type World } from "../../testing/table.ts";
import { createDecisionRing } from "../explain/decision-ring.ts";
import type { Explanation } from "../explain/explanation.ts";
import { scaleReasonAnnotation } from "../explain/news.ts";
import type { MultiScaler } from "../multi-scaler.ts";
import { makeDeciderSpec } from "./decider-spec.ts";
import { kpaClassReconciler } from "./reconcile.ts";

const config: ServingConfig = {
  ...defaultServingConfig,
  autoscaler: parseAutoscalerConfig({ "min-scale": "2", "max-scale": "30", "target-burst-capacity": "0" }),
};

const labels = { [revisionLabel]: "rev", [revisionUidLabel]: "r1" };

function makePodAutoscaler(status?: PodAutoscaler["status"]): PodAutoscaler {
  return {
    apiVersion: "autoscaling.internal.knative.dev/v1alpha1",
    kind: "PodAutoscaler",
    metadata: { name: "rev", namespace: "ns", uid: "p1", generation: 1, labels },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "rev-deployment" },
      protocolType: "http1",
      reachability: "Reachable",
    },
    ...(status && { status }),
  };
}

const active = (desired: number, actual: number) => ({
  ...conditions({ Ready: "True", Active: "True", ScaleTargetInitialized: "True", SKSReady: "True" }),
  serviceName: "rev",
  metricsServiceName: "rev-private",
  desiredScale: desired,
  actualScale: actual,
});

const owner = {
  metadata: { name: "rev", namespace: "ns", ownerReferences: [controllerReference(makePodAutoscaler())] },
};

const deployment = (replicas: number) =>
  ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "rev-deployment", namespace: "ns", labels },
    spec: { replicas, selector: {}, template: {} },
  }) as unknown as Deployment;

const service = (more: Partial<ServerlessService> = {}): ServerlessService => ({
  ...owner,
  apiVersion: "networking.internal.knative.dev/v1alpha1",
  kind: "ServerlessService",
  metadata: { ...owner.metadata, labels, generation: 1 },
  spec: {
    mode: "Serve",
    objectRef: { apiVersion: "apps/v1", kind: "Deployment", name: "rev-deployment" },
    protocolType: "http1",
    numActivators: 2,
  },
  status: { ...conditions({ Ready: "True" }), serviceName: "rev", privateServiceName: "rev-private" },
  ...more,
});

const metric: Metric = {
  ...owner,
  apiVersion: "autoscaling.internal.knative.dev/v1alpha1",
  kind: "Metric",
  spec: { stableWindow: 60e9, panicWindow: 6e9, scrapeTarget: "rev-private" },
};

const pods = (ready: number): Pod[] =>
  Array.from({ length: ready }, (_, index) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `rev-${index}`, namespace: "ns", labels },
    spec: { containers: [] },
    status: { phase: "Running", podIP: `10.0.0.${index}`, conditions: [{ type: "Ready", status: "True" }] },
  })) as unknown as Pod[];

/** A multi-scaler that advises this, by a decision that it recorded, or without one, as just after a restart. */
function advising(desiredScale: number, decided: boolean, excessBurstCapacity = 0): MultiScaler {
  const ring = createDecisionRing();
  const decision: Explanation = {
    atMs: Date.parse("2024-01-01T00:00:00Z"),
    before: 3,
    want: desiredScale,
    desiredPods: desiredScale,
    excessBurstCapacity: 0,
    readyPods: 3,
    stableValue: 345,
    panicValue: 345,
    mode: "stable",
    rule: "stable window",
    advisedBy: "stable window",
    asked: { stable: desiredScale, panic: desiredScale },
    rates: { least: 1, most: 3000 },
    bounds: { min: 2, max: 30 },
    spec: makeDeciderSpec(makePodAutoscaler(), config.autoscaler),
  };
  if (decided) ring.add(decision);
  return {
    advise: () => ({ desiredScale, excessBurstCapacity }),
    decisions: () => ring,
  } as unknown as MultiScaler;
}

const rowOf = (objects: readonly KubeObject[], advised: number, decided = false, excessBurstCapacity = 0) => ({
  ...kpaClassReconciler,
  key: "ns/rev",
  objects,
  config,
  deps: (world: World) =>
    kpaClassReconciler.deps(world, { multiScaler: advising(advised, decided, excessBurstCapacity), observe: () => {} }),
});
const run = (...args: Parameters<typeof rowOf>) => reconcileOnce(rowOf(...args));

const statusOf = ({ statusUpdates }: Report<PodAutoscaler>) => (statusUpdates[0] as PodAutoscaler | undefined)?.status;

test("the pods are asked for their load also where an activator was to tell it", async () => {
  const pa = makePodAutoscaler();
  const annotations = { ...pa.metadata.annotations, "autoscaling.knative.dev/target-burst-capacity": "-1" };
  const report = await run([{ ...pa, metadata: { ...pa.metadata, annotations } }, deployment(2)], -1);
  const made = report.creates.find(({ kind }) => kind === "Metric") as Metric;
  assert.equal(made.spec.scrapeTarget, "rev-private");
});

test("a new PodAutoscaler gets its ServerlessService and its Metric, and waits for pods", async () => {
  const report = await run([makePodAutoscaler(), deployment(2)], -1);
  assert.equal(report.error, undefined);
  assert.deepEqual(
    report.creates.map(({ kind }) => kind),
    ["ServerlessService", "Metric"],
  );
  assert.deepEqual((report.creates[1] as Metric).spec, metric.spec);
  assert.deepEqual(report.patches, []);
  const lines = linesOf(report.outcome?.status?.conditions);
  assert.ok(
    lines.some((line) => line.startsWith("Active=Unknown Queued")),
    lines.join("\n"),
  );
});

test("a Metric follows its PodAutoscaler", async () => {
  const stale = { ...metric, spec: { ...metric.spec, stableWindow: 30e9 } };
  const report = await run([makePodAutoscaler(active(3, 3)), deployment(3), service(), stale, ...pods(3)], 3);
  assert.deepEqual(report.updates, [metric]);
});

const idle = {
  ...active(0, 0),
  ...conditions({ Ready: ["False", "NoTraffic"], Active: ["False", "NoTraffic"], ScaleTargetInitialized: "True" }),
};
const modes: [name: string, before: PodAutoscaler["status"], advised: number, capacity: number, mode: string][] = [
  ["pods that can take a burst", active(3, 3), 3, 0, "Serve"],
  ["pods that cannot", active(3, 3), 3, -1, "Proxy"],
  ["nothing is known yet", undefined, -1, 0, "Serve"],
  ["nothing is known yet, and the first pods could not take a burst", undefined, -1, -1, "Proxy"],
  ["nothing is known after a restart, of pods that serve", active(3, 3), -1, 0, "Serve"],
  ["nothing is known after a restart, and there were no pods", idle, -1, 0, "Proxy"],
];
for (const [name, before, advised, capacity, mode] of modes) {
  test(`the mode of the ServerlessService: ${name}`, async () => {
    const objects = [makePodAutoscaler(before), deployment(before === idle ? 0 : 3), metric];
    const report = await run([...objects, ...pods(before === idle ? 0 : 3)], advised, false, capacity);
    const made = report.creates.find(({ kind }) => kind === "ServerlessService") as ServerlessService;
    assert.equal(made.spec.mode, mode);
  });
}

interface Row {
  readonly name: string;
  readonly replicas: number;
  readonly ready: number;
  readonly advised: number;
  readonly decided?: boolean;
  readonly before: PodAutoscaler["status"];
  /** The replicas that are set, if any are. */
  readonly set?: number;
  /** The Events; each comes with the annotation. */
  readonly events?: readonly string[];
  /** Absent where nothing is written. */
  readonly status?: { readonly desiredScale: number; readonly actualScale: number; readonly active: string };
}

const rows: Row[] = [
  { name: "nothing changed: nothing is written", replicas: 3, ready: 3, advised: 3, before: active(3, 3) },
  {
    name: "more pods",
    replicas: 3,
    ready: 3,
    advised: 5,
    before: active(3, 3),
    decided: true,
    set: 5,
    events: ["Normal ScaledUp from 3 to 5 pods: 345 concurrent requests over 60 s, 70 for each pod"],
    status: { desiredScale: 5, actualScale: 3, active: "Active=True" },
  },
  {
    name: "beyond the largest scale",
    replicas: 3,
    ready: 3,
    advised: 99,
    before: active(3, 3),
    set: 30,
    events: ["Normal ScaledUp from 3 to 30 pods: max scale"],
    status: { desiredScale: 30, actualScale: 3, active: "Active=True" },
  },
  {
    name: "below the least scale",
    replicas: 5,
    ready: 5,
    advised: 0,
    before: active(5, 5),
    set: 2,
    events: ["Normal ScaledDown from 5 to 2 pods: min scale"],
    status: { desiredScale: 2, actualScale: 5, active: "Active=True" },
  },
  { name: "nothing is known after a restart: all stays", replicas: 5, ready: 5, advised: -1, before: active(5, 5) },
  {
    name: "pods are lost",
    replicas: 5,
    ready: 1,
    advised: 5,
    before: active(5, 5),
    status: {
      desiredScale: 5,
      actualScale: 1,
      active: "Active=Unknown Queued: Requests to the target are being buffered as resources are provisioned.",
    },
  },
];

for (const { name, replicas, ready, advised, decided, before, set, events = [], status } of rows) {
  test(`a PodAutoscaler: ${name}`, async () => {
    const pa = makePodAutoscaler(before);
    const report = await run([pa, deployment(replicas), service(), metric, ...pods(ready)], advised, decided);
    assert.equal(report.error, undefined);
    assert.deepEqual(report.creates, []);
    assert.deepEqual(
      report.patches.map(({ name: target, patch }) => [target, (patch as { body: unknown }).body]),
      set === undefined ? [] : [["rev-deployment", [{ op: "add", path: "/spec/replicas", value: set }]]],
    );
    assert.deepEqual(report.events, events);
    const written = statusOf(report);
    if (!status) return assert.equal(written, undefined);
    assert.equal(written?.desiredScale, status.desiredScale);
    assert.equal(written?.actualScale, status.actualScale);
    assert.ok(linesOf(written?.conditions).includes(status.active), linesOf(written?.conditions).join("\n"));
    assert.equal(scaleReasonAnnotation in (written?.annotations ?? {}), events.length > 0);
  });
}

test("a ServerlessService that belongs to somebody else is left alone, and the status says so", async () => {
  const foreign = service({ metadata: { name: "rev", namespace: "ns" } });
  const report = await run([makePodAutoscaler(active(3, 3)), deployment(3), foreign, metric, ...pods(3)], 3);
  assert.deepEqual(report.updates, []);
  assert.ok(
    linesOf(statusOf(report)?.conditions).includes(
      'Active=False NotOwned: There is an existing ServerlessService "rev" that we do not own.',
    ),
  );
});

for (const [what, objects, advised] of [
  ["that is new", [makePodAutoscaler(), deployment(2)], -1],
  ["that is to have more pods", [makePodAutoscaler(active(3, 3)), deployment(3), service(), metric, ...pods(3)], 5],
] as const) {
  test(`whatever error one write meets, a PodAutoscaler ${what} ends as it would have without`, () =>
    assertSurvivesFaults(rowOf(objects, advised)));
}

const lastScales: readonly (readonly [
  name: string,
  reported: number | undefined,
  replicas: number,
  wanted: number | undefined,
])[] = [
  ["the status says so", 3, 3, 3],
  ["whoever scaled up ended before the status was written", 1, 3, 3],
  ["the status is ahead of the cache", 5, 3, 5],
  ["nobody decided yet", undefined, 3, undefined],
];
for (const [name, reported, replicas, wanted] of lastScales) {
  test(`a decider begins with the scale that was set last: ${name}`, async () => {
    const pa = makePodAutoscaler();
    const seen: (number | undefined)[] = [];
    const status = reported === undefined ? {} : { status: { ...pa.status, desiredScale: reported } };
    const row = rowOf([{ ...pa, ...status }, deployment(replicas)], 3);
    const multiScaler = advising(3, false);
    const advise: MultiScaler["advise"] = (key, spec, subject) => {
      seen.push(subject?.wanted);
      return multiScaler.advise(key, spec, subject);
    };
    await reconcileOnce({
      ...row,
      deps: (world: World) => ({ ...row.deps(world), multiScaler: { ...multiScaler, advise } }),
    });
    assert.deepEqual(seen, [wanted]);
  });
}

for (const [name, desired, actual, ready, waitMs] of [
  ["how many pods are there", 3, 3, 2, 3000],
  ["how many pods are wanted", 4, 2, 2, undefined],
] as const) {
  test(`how long a PodAutoscaler may wait to say ${name}`, async () => {
    const stored = makePodAutoscaler(active(desired, actual));
    const { outcome } = await run([stored, deployment(3), service(), metric, ...pods(ready)], 3);
    assert.equal(outcome?.statusMayWaitMs, waitMs);
  });
}
