import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import { controllerReference, type KubeObject } from "../../apis/meta.ts";
import type { ServerlessService } from "../../apis/networking/serverlessservice.ts";
import { parseAutoscalerConfig } from "../../config/autoscaler.ts";
import { defaultServingConfig } from "../../config/serving-config.ts";
import { conditions, linesOf } from "../../testing/serving-objects.ts";
import { assertSurvivesFaults } from "../../testing/settle.ts";
import { reconcileOnce } from "../../testing/table.ts";
import { makeHorizontalPodAutoscaler } from "./horizontal-pod-autoscaler.ts";
import { hpaClassReconciler } from "./reconcile.ts";

const config = { ...defaultServingConfig, autoscaler: parseAutoscalerConfig({ "min-scale": "2", "max-scale": "30" }) };

const makePodAutoscaler = (annotations: Record<string, string> = {}): PodAutoscaler => ({
  apiVersion: "autoscaling.internal.knative.dev/v1alpha1",
  kind: "PodAutoscaler",
  metadata: {
    name: "rev",
    namespace: "ns",
    uid: "p1",
    generation: 1,
    annotations: {
      "autoscaling.knative.dev/class": "hpa.autoscaling.knative.dev",
      ...Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`autoscaling.knative.dev/${key}`, value]),
      ),
    },
  },
  spec: {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "rev-deployment" },
    protocolType: "http1",
    reachability: "Reachable",
  },
});

const specs: [name: string, annotations: Record<string, string>, spec: Record<string, unknown>][] = [
  ["bounds of the cluster, nothing to aim for", {}, { minReplicas: 2, maxReplicas: 30 }],
  ["no bounds", { "min-scale": "0", "max-scale": "0" }, { minReplicas: undefined, maxReplicas: 2 ** 31 - 1 }],
  [
    "CPU in percent",
    { target: "62.5" },
    {
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 63 } } },
      ],
    },
  ],
  [
    "memory in mebibytes",
    { metric: "memory", target: "200" },
    {
      metrics: [
        { type: "Resource", resource: { name: "memory", target: { type: "AverageValue", averageValue: "200Mi" } } },
      ],
    },
  ],
  [
    "a metric of the pods' own",
    { metric: "queue_length", target: "5" },
    {
      metrics: [
        {
          type: "Pods",
          pods: { metric: { name: "queue_length" }, target: { type: "AverageValue", averageValue: "5" } },
        },
      ],
    },
  ],
  [
    "a window",
    { window: "2m" },
    { behavior: { scaleUp: { stabilizationWindowSeconds: 120 }, scaleDown: { stabilizationWindowSeconds: 120 } } },
  ],
];

for (const [name, annotations, want] of specs) {
  test(`a HorizontalPodAutoscaler: ${name}`, () => {
    const spec: Record<string, unknown> = {
      ...makeHorizontalPodAutoscaler(makePodAutoscaler(annotations), config.autoscaler).spec,
    };
    for (const [field, value] of Object.entries(want)) assert.deepEqual(spec[field], value, field);
  });
}

const rowOf = (objects: readonly KubeObject[]) => ({
  ...hpaClassReconciler,
  key: "ns/rev",
  objects,
  config,
});
const run = (objects: readonly KubeObject[]) => reconcileOnce(rowOf(objects));

const owned = { ownerReferences: [controllerReference(makePodAutoscaler())] };
const service: ServerlessService = {
  apiVersion: "networking.internal.knative.dev/v1alpha1",
  kind: "ServerlessService",
  metadata: { name: "rev", namespace: "ns", generation: 1, ...owned },
  spec: { mode: "Serve", objectRef: makePodAutoscaler().spec.scaleTargetRef, protocolType: "http1" },
  status: { ...conditions({ Ready: "True" }), serviceName: "rev", privateServiceName: "rev-private" },
};

test("a new revision of the class hpa gets both children, and is not ready before its Service is", async () => {
  const report = await run([makePodAutoscaler()]);
  assert.equal(report.error, undefined);
  assert.deepEqual(
    report.creates.map(({ kind }) => kind),
    ["HorizontalPodAutoscaler", "ServerlessService"],
  );
  const lines = linesOf(report.outcome?.status?.conditions);
  assert.ok(lines.includes("SKSReady=Unknown NotReady: SKS Services are not ready yet"), lines.join("\n"));
});

test("the scale is what Kubernetes says; the revision becomes ready", async () => {
  const autoscaler = {
    ...makeHorizontalPodAutoscaler(makePodAutoscaler(), config.autoscaler),
    status: { currentReplicas: 3, desiredReplicas: 4 },
  };
  const report = await run([makePodAutoscaler(), service, autoscaler]);
  assert.deepEqual([...report.creates, ...report.updates], []);
  const { status } = report.statusUpdates[0] as PodAutoscaler;
  assert.deepEqual([status?.desiredScale, status?.actualScale, status?.serviceName], [4, 3, "rev"]);
  assert.deepEqual(linesOf(status?.conditions).sort(), [
    "Active=True",
    "Ready=True",
    "SKSReady=True",
    "ScaleTargetInitialized=True",
  ]);
});

test("a HorizontalPodAutoscaler that belongs to somebody else is left alone", async () => {
  const { metadata, ...rest } = makeHorizontalPodAutoscaler(makePodAutoscaler(), config.autoscaler);
  const foreign = { ...rest, metadata: { name: metadata.name, namespace: "ns" } };
  const report = await run([makePodAutoscaler(), service, foreign]);
  assert.deepEqual([...report.creates, ...report.updates], []);
  const { status } = report.statusUpdates[0] as PodAutoscaler;
  assert.ok(linesOf(status?.conditions).some((line) => line.startsWith("Active=False NotOwned")));
});

test("whatever error one write meets, both children are there in the end", () =>
  assertSurvivesFaults(rowOf([makePodAutoscaler()])));
