import assert from "node:assert/strict";
import { test } from "node:test";

import { defaultServingConfig, type ServingConfig } from "../config/serving-config.ts";
import { childOf, keysWokenBy, plainObject, type Wake } from "../testing/wakes.ts";
import { startHpaController } from "./hpa/controller.ts";
import { startKpaController } from "./kpa/controller.ts";
import { createMultiScaler } from "./multi-scaler.ts";

const internal = "autoscaling.internal.knative.dev/v1alpha1";
const ofClass = (name: string, className: string) =>
  plainObject(internal, "PodAutoscaler", name, {
    uid: name,
    annotations: { "autoscaling.knative.dev/class": `${className}.autoscaling.knative.dev` },
  });

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
    plainObject("networking.internal.knative.dev/v1alpha1", "ServerlessService", "any", childOf(byLoad)),
    ["ns/by-load"],
  ],
  ["kpa", startKpa, "its Metric", plainObject(internal, "Metric", "any", childOf(byLoad)), ["ns/by-load"]],
  ["kpa", startKpa, "a Metric of nobody", plainObject(internal, "Metric", "any"), []],
  [
    "kpa",
    startKpa,
    "a pod of its revision",
    plainObject("v1", "Pod", "any", { labels: { "serving.knative.dev/revision": "by-load" } }),
    ["ns/by-load"],
  ],
  [
    "hpa",
    startHpaController,
    "its ServerlessService",
    plainObject("networking.internal.knative.dev/v1alpha1", "ServerlessService", "any", childOf(byCluster)),
    ["ns/by-cluster"],
  ],
  [
    "hpa",
    startHpaController,
    "its HorizontalPodAutoscaler",
    plainObject("autoscaling/v2", "HorizontalPodAutoscaler", "any", childOf(byCluster)),
    ["ns/by-cluster"],
  ],
  [
    "hpa",
    startHpaController,
    "a HorizontalPodAutoscaler of nobody",
    plainObject("autoscaling/v2", "HorizontalPodAutoscaler", "any"),
    [],
  ],
] as const) {
  test(`a PodAutoscaler of class ${who} is ${keys.length > 0 ? "" : "not "}looked at because of ${what}`, async () => {
    const wake = { start, config: defaultServingConfig, objects: [byLoad, byCluster] };
    assert.deepEqual(await keysWokenBy({ ...wake, change: (informers) => informers.put(object) }), keys);
  });
}
