import assert from "node:assert/strict";
import { test } from "node:test";
import { controllerReference, type KubeObject, type ObjectMeta } from "../apis/meta.ts";
import { defaultServingConfig, type ServingConfig } from "../config/serving-config.ts";
import { keysWokenBy, type Wake } from "../testing/wakes.ts";
import { startHpaController } from "./hpa/controller.ts";
import { startKpaController } from "./kpa/controller.ts";
import { createMultiScaler } from "./multi-scaler.ts";

const internal = "autoscaling.internal.knative.dev/v1alpha1";
const make = (apiVersion: string, kind: string, name: string, metadata: Partial<ObjectMeta> = {}) =>
  ({ apiVersion, kind, metadata: { name, namespace: "ns", resourceVersion: "1", ...metadata } }) as KubeObject;
const ofClass = (name: string, className: string) =>
  make(internal, "PodAutoscaler", name, {
    uid: name,
    annotations: { "autoscaling.knative.dev/class": `${className}.autoscaling.knative.dev` },
  });
const ownedBy = (owner: KubeObject) => ({ ownerReferences: [controllerReference(owner)] });

const [byLoad, byCluster] = [ofClass("by-load", "kpa"), ofClass("by-cluster", "hpa")];
const startKpa: Wake<ServingConfig>["start"] = (context) =>
  startKpaController(
    context,
    createMultiScaler(
      () => undefined,
      () => 0,
      context.clock,
    ),
    () => {},
  );

for (const [who, start, what, object, keys] of [
  [
    "kpa",
    startKpa,
    "its ServerlessService",
    make("networking.internal.knative.dev/v1alpha1", "ServerlessService", "any", ownedBy(byLoad)),
    ["ns/by-load"],
  ],
  ["kpa", startKpa, "its Metric", make(internal, "Metric", "any", ownedBy(byLoad)), ["ns/by-load"]],
  ["kpa", startKpa, "a Metric of nobody", make(internal, "Metric", "any"), []],
  [
    "kpa",
    startKpa,
    "a pod of its revision",
    make("v1", "Pod", "any", { labels: { "serving.knative.dev/revision": "by-load" } }),
    ["ns/by-load"],
  ],
  [
    "hpa",
    startHpaController,
    "its ServerlessService",
    make("networking.internal.knative.dev/v1alpha1", "ServerlessService", "any", ownedBy(byCluster)),
    ["ns/by-cluster"],
  ],
  [
    "hpa",
    startHpaController,
    "its HorizontalPodAutoscaler",
    make("autoscaling/v2", "HorizontalPodAutoscaler", "any", ownedBy(byCluster)),
    ["ns/by-cluster"],
  ],
  [
    "hpa",
    startHpaController,
    "a HorizontalPodAutoscaler of nobody",
    make("autoscaling/v2", "HorizontalPodAutoscaler", "any"),
    [],
  ],
] as const) {
  test(`a PodAutoscaler of class ${who} is ${keys.length > 0 ? "" : "not "}looked at because of ${what}`, async () => {
    const wake = { start, config: defaultServingConfig, objects: [byLoad, byCluster] };
    assert.deepEqual(await keysWokenBy({ ...wake, change: (informers) => informers.put(object) }), keys);
  });
}
